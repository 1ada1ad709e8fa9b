// SPDX-License-Identifier: MIT
#pragma once
// Counters of every virtual-memory event, per hart and in sum: read by the vmstat call, asserted by tests.
// The kernel counts with VmEvent as index; the names are what `vmstat` and the statistics device print.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace abi {

enum class VmEvent : std::uint32_t {
  /// Page faults, by what resolved them.
  fault_demand_zero,  ///< first touch of lazy or anonymous memory, in user mode or by a user copy
  fault_cow_copy,  ///< a store to a shared page: copied
  fault_cow_reuse,  ///< a store to a page whose sharers are gone: taken over, nothing copied
  fault_file_page,  ///< a mapped file's page brought in or mapped
  fault_spurious,  ///< the table permits it already
  fault_refused,  ///< no rule allows it: the process is killed, or a copy fails
  fault_out_of_memory,  ///< allowed, but no frame was left
  /// Frames.
  frame_allocated,  ///< 4 KiB frames handed out, a block of order n counts 2^n
  frame_freed,
  frame_zeroed,  ///< 4 KiB frames cleared
  frame_copied,  ///< 4 KiB frames copied
  frame_stolen,  ///< batches taken from another hart's cache
  table_allocated,  ///< frames that became page tables, or their deposit
  table_freed,
  table_shared,  ///< leaf tables shared at fork instead of copied
  /// Superpages.
  superpage_mapped,
  superpage_shared,  ///< shared whole at fork
  superpage_split,
  superpage_promoted,
  compound_converted,  ///< a shared 2 MiB block's one count became 512 counts
  /// Translation caches.
  fence_page,  ///< sfence.vma of one address
  fence_asid,  ///< sfence.vma of one address space
  fence_all,  ///< sfence.vma of everything
  fence_instruction,  ///< fence.i
  satp_written,
  stale_marked,  ///< spaces marked stale on another hart: what would be shoot-down interrupts
  asid_generation,  ///< wraps of the ASID counter
  mirror_updated,  ///< entries copied into a process's kernel table (`mirrored` only)
  /// User copies.
  copy_in_call,
  copy_out_call,
  copy_string_call,
  copy_faulted,  ///< copies that had to resolve a fault on their way
  /// Files in memory.
  file_page_read,
  file_page_written_back,
  /// Traps and switches.
  system_call,
  user_fault,  ///< page faults taken from user mode
  timer_interrupt,
  device_interrupt,
  context_switch,
  count_,
};

inline constexpr std::size_t vm_event_count = static_cast<std::size_t>(VmEvent::count_);

inline constexpr std::array<std::string_view, vm_event_count> vm_event_names = {
    "fault_demand_zero",   "fault_cow_copy",
    "fault_cow_reuse",     "fault_file_page",
    "fault_spurious",      "fault_refused",
    "fault_out_of_memory", "frame_allocated",
    "frame_freed",         "frame_zeroed",
    "frame_copied",        "frame_stolen",
    "table_allocated",     "table_freed",
    "table_shared",        "superpage_mapped",
    "superpage_shared",    "superpage_split",
    "superpage_promoted",  "compound_converted",
    "fence_page",          "fence_asid",
    "fence_all",           "fence_instruction",
    "satp_written",        "stale_marked",
    "asid_generation",     "mirror_updated",
    "copy_in_call",        "copy_out_call",
    "copy_string_call",    "copy_faulted",
    "file_page_read",      "file_page_written_back",
    "system_call",         "user_fault",
    "timer_interrupt",     "device_interrupt",
    "context_switch",
};
static_assert(!vm_event_names.back().empty(), "every event has a name");

/// How the kernel sees user memory; each is a kernel of its own.
enum class ViewKind : std::uint64_t { shared = 0, mirrored = 1, unified = 2 };
inline constexpr std::array<std::string_view, 3> view_names = {"shared", "mirrored", "unified"};

/// What the vmstat call fills. A caller that passes fewer bytes gets the beginning, so fields are only appended.
struct VmStat {
  ViewKind view;
  std::uint64_t harts;
  std::uint64_t total_frames;  ///< frames the allocator began with
  std::uint64_t free_frames;
  std::uint64_t boot_instructions;  ///< instret from reset to init's first instruction in user mode, boot hart
  std::uint64_t prompt_instructions;  ///< instret from reset to the first read of the console by a program
  std::uint64_t counters[vm_event_count];
  std::uint64_t idle_instructions;  ///< by how much instret moved while harts waited; the two above are without it
  /// Nanoseconds that the calling process, or a descendant that was waited for, kept a hart at most without a chance
  /// for anything else. Debug kernels measure it; else 0.
  std::uint64_t longest_stretch;

  constexpr std::uint64_t operator[](VmEvent event) const { return counters[static_cast<std::size_t>(event)]; }
};

}  // namespace abi
