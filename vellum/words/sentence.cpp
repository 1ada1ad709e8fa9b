// SPDX-License-Identifier: MIT
#include "vellum/words/sentence.hpp"

#include <array>
#include <charconv>

namespace vellum {

std::string in_hex(u64 value) {
  std::array<char, 18> text{'0', 'x'};
  const auto written = std::to_chars(text.data() + 2, text.data() + text.size(), value, 16);
  return {text.data(), written.ptr};
}

const char* name_of(AccessKind kind) {
  switch (kind) {
    case AccessKind::fetch: return "fetch";
    case AccessKind::load: return "load";
    case AccessKind::store: return "store";
  }
  return "";
}

std::string sentence_of(const Finding& finding) {
  const std::string access = std::string("A ") + name_of(finding.kind) + " at " + in_hex(finding.address);
  switch (finding.rule) {
    case Rule::stale_translation:
      if (finding.is_allowed_now) {
        return access + " reaches " + in_hex(finding.new_physical) +
               ", but without a fence since the entry was changed the hart may still go to " +
               in_hex(finding.old_physical) + ".";
      }
      return access + " is refused by the tables now, but without a fence since the entry was changed the hart may " +
             "still allow it, at " + in_hex(finding.old_physical) + ".";
    case Rule::stale_after_satp:
      return access + " may still be translated by the tables that satp named before, to " +
             in_hex(finding.old_physical) + ": they were left without a fence and have the same ASID.";
    case Rule::stale_code:
      return "The instruction at " + in_hex(finding.address) +
             " was stored after this hart's last fence.i: the hart may still execute what stood there before.";
    case Rule::reserved_entry:
      return access + " meets the entry " + in_hex(finding.new_entry) + ", whose encoding is reserved.";
    case Rule::misaligned_superpage:
      return access + " meets the superpage " + in_hex(finding.new_entry) +
             ", whose frame is not a multiple of its size.";
    case Rule::use_after_free:
      return access + " touches the frame " + in_hex(finding.new_physical & page_mask) +
             ", which was freed and not allocated again.";
    case Rule::double_free: return "The frame " + in_hex(finding.new_physical) + " is freed, but it is free already.";
    case Rule::panic: return "The kernel gives up.";
    case Rule::table_cycle:
      return "The pointer " + in_hex(finding.new_entry) + " for " + in_hex(finding.address) +
             " leads back to its own table or one above it.";
    case Rule::global_user_page:
      return "The user page at " + in_hex(finding.address) + " is global: it outlives a switch of address space.";
    case Rule::user_in_kernel_half:
      return "The page at " + in_hex(finding.address) + ", in the upper half, is open to user mode.";
    case Rule::kernel_write_execute:
      return "The kernel's page at " + in_hex(finding.address) + " is both writable and executable.";
    case Rule::leaf_outside_ram:
      return "The page at " + in_hex(finding.address) + " leads to " + in_hex(finding.new_physical) +
             ", where there is neither RAM nor a device.";
    case Rule::uncleared_table:
      return "The frame " + in_hex(finding.new_physical) + " becomes a page table with the valid entry " +
             in_hex(finding.new_entry) + ", which nobody wrote since the frame was allocated: it was not cleared.";
    case Rule::unwritten_memory:
      return "User mode reads " + in_hex(finding.address) + ", in the frame " +
             in_hex(finding.new_physical & page_mask) +
             ", where nobody has written since the frame was allocated: it sees what was there before.";
    case Rule::leak:
      return "Nothing refers to the frame " + in_hex(finding.new_physical) +
             (finding.frames > 1 ? " and " + std::to_string(finding.frames - 1) + " more from the same call" : "") +
             ", and it was not freed.";
  }
  return {};
}

const char* source_of(Rule rule) {
  switch (rule) {
    case Rule::stale_translation:
    case Rule::stale_after_satp: return "privileged manual, Supervisor Memory-Management Fence Instruction";
    case Rule::stale_code: return "unprivileged manual, Zifencei";
    case Rule::reserved_entry:
    case Rule::misaligned_superpage: return "privileged manual, Virtual Address Translation Process";
    case Rule::use_after_free:
    case Rule::leak:
    case Rule::double_free: return "the kernel's own allocator";
    case Rule::uncleared_table: return "privileged manual, Virtual Address Translation Process";
    case Rule::unwritten_memory: return "the kernel owes each program its own memory";
    case Rule::panic: return "the kernel itself";
    case Rule::table_cycle: return "privileged manual, Virtual Address Translation Process";
    case Rule::global_user_page:
    case Rule::user_in_kernel_half:
    case Rule::kernel_write_execute:
    case Rule::leaf_outside_ram: return "foliowalk's lint";
  }
  return "";
}

}  // namespace vellum
