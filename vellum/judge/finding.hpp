// SPDX-License-Identifier: MIT
#pragma once
// What a judge has to say.

#include "vellum/isa/privileged.hpp"
#include "vellum/judge/moment.hpp"

namespace vellum {

enum class Rule : u8 {
  stale_translation,     // another frame, or a right that was taken, without sfence.vma between
  stale_after_satp,      // ... from tables that were left without a fence under the same ASID
  stale_code,            // without fence.i between
  reserved_entry,        // a walk met V = 1 with a reserved encoding
  misaligned_superpage,  // ... or a superpage whose frame is not a multiple of its size
  use_after_free,        // a frame was touched between its freeing and its next allocation
  double_free,           // a frame was freed that is free
  panic,                 // the kernel called its function for that
  table_cycle,           // a pointer leads back to its own table or one above it
  global_user_page,      // a leaf has U and G: it outlives a switch of address space
  user_in_kernel_half,   // a page of the upper half has U
  kernel_write_execute,  // a page of the kernel has W and X
  leaf_outside_ram,      // a leaf leads to where this machine has nothing
  uncleared_table,       // a frame became a table with valid entries in it that nobody wrote since it was handed out
  unwritten_memory,      // user mode read what nobody wrote since the frame was handed out
  leak,                  // a frame is in use, and nothing refers to it
};
constexpr usize rule_count = 16;

/// Rules of tables.hpp.
constexpr bool is_of_tables(Rule rule) { return rule >= Rule::table_cycle && rule <= Rule::leaf_outside_ram; }

/// Rules about a frame's life, of which the cause is where it was freed or handed out.
constexpr bool is_of_frames(Rule rule) {
  return rule == Rule::use_after_free || rule == Rule::double_free || rule == Rule::uncleared_table ||
         rule == Rule::unwritten_memory;
}

/// Whether the manual forbids it, or permits that it goes well.
enum class Severity : u8 { fault, note };

constexpr Severity severity_of(Rule /*rule*/) { return Severity::fault; }

/// A stable name, for scripts and for the page's texts.
constexpr const char* name_of(Rule rule) {
  switch (rule) {
    case Rule::stale_translation: return "stale-translation";
    case Rule::stale_after_satp: return "stale-after-satp";
    case Rule::stale_code: return "stale-code";
    case Rule::reserved_entry: return "reserved-entry";
    case Rule::misaligned_superpage: return "misaligned-superpage";
    case Rule::use_after_free: return "use-after-free";
    case Rule::double_free: return "double-free";
    case Rule::panic: return "panic";
    case Rule::table_cycle: return "table-cycle";
    case Rule::global_user_page: return "global-user-page";
    case Rule::user_in_kernel_half: return "user-in-kernel-half";
    case Rule::kernel_write_execute: return "kernel-write-execute";
    case Rule::leaf_outside_ram: return "leaf-outside-ram";
    case Rule::uncleared_table: return "uncleared-table";
    case Rule::unwritten_memory: return "unwritten-memory";
    case Rule::leak: return "leak";
  }
  return "";
}

struct Finding {
  Rule rule{};
  AccessKind kind{};
  u64 address = 0;        // virtual, of the access
  u64 entry_address = 0;  // physical, of the entry that was changed; 0: none
  u64 old_entry = 0;      // what the hart may still hold
  u64 new_entry = 0;      // what stands there now
  u64 old_physical = 0;   // where the old entry leads
  u64 new_physical = 0;   // where the tables lead now, if they allow the access
  u64 frames = 0;  // how many were lost
  bool is_allowed_now = false;
  Moment now{};
  CallChain callers{};
  bool has_cause = false;
  Moment cause{};
  CallChain cause_callers{};
};

/// Whether it is about an access of a hart, with entries on the way to its address.
constexpr bool has_walk(const Finding& finding) {
  return finding.now.hart != by_device && finding.rule != Rule::panic && finding.rule != Rule::double_free &&
         finding.rule != Rule::leak && (finding.rule != Rule::uncleared_table || finding.address != 0);
}

}  // namespace vellum
