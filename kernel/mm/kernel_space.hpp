// SPDX-License-Identifier: MIT
#pragma once
// The kernel's own page table (xv6: kvmmake, kvmmap, kvminit, kvminithart, proc_mapstacks).

#include <span>

#include "abi/limits.hpp"
#include "mm/frames.hpp"
#include "mm/tables.hpp"
#include "sched/thread.hpp"
#include "sv39/cursor.hpp"

namespace mm {

using sv39::Permissions;

/// A device's registers, physical, and where the kernel wants them (page-rounded; METAL: arch::device_address).
struct DeviceWindow {
  PhysRange registers;
  VirtAddr at;
};

/// The kernel image in physical memory, page-aligned borders.
struct KernelImage {
  PhysAddr text_begin;    ///< R-X
  PhysAddr rodata_begin;  ///< R--
  PhysAddr data_begin;    ///< RW-, and all RAM from there on
  PhysAddr trampoline;    ///< the page of trap entry and exit
};

/// Leaves of a table by what they map.
struct LeafCounts {
  u64 superpages = 0;  ///< above level 0
  u64 base_pages = 0;
};

class KernelSpace final : public sched::Space {
 public:
  /// One stack for each process.
  static constexpr u32 stack_slots = abi::max_processes;
  static constexpr u64 stack_pages = 2;

  /// Builds the table: devices, RAM with superpage leaves wherever aligned, kernel stacks with a hole below each,
  /// TRAMPOLINE. Once, after frames().init().
  [[nodiscard]] lib::Result<void> build(std::span<const DeviceWindow> devices, const KernelImage& image);

  /// satp for harts that run no process, and for all of them in `shared`.
  [[nodiscard]] u64 satp() const;
  /// sched: puts this hart on the kernel's own table.
  [[nodiscard]] u64 switch_in() override;
  /// How the kernel's own table maps what it maps. Counted anew each time.
  [[nodiscard]] LeafCounts leaf_counts() const;
  [[nodiscard]] Ppn root() const { return root_; }

  /// Where the kernel stack of a slot lies (mirrored: the same for all).
  [[nodiscard]] VirtRange stack(u32 slot) const;
  /// The frames behind it, lowest address first.
  [[nodiscard]] Ppn stack_frame(u32 slot, u64 page) const { return Ppn(stack_frames_[slot].value() + page); }
  [[nodiscard]] PhysAddr trampoline() const { return trampoline_; }
  /// The frame that every guard page shows.
  [[nodiscard]] Ppn guard_frame() const { return guard_frame_; }
  [[nodiscard]] const KernelImage& image() const { return image_; }

  /// Entries of the root that every process's kernel side shares (mirrored: all but the one for stack and
  /// trampoline; unified: the upper half), put into another root and taken out again.
  void copy_shared_entries(sv39::PageTable& root) const;
  void clear_shared_entries(sv39::PageTable& root) const;
  /// The root's own entry (mirrored: what stands where a process has no memory).
  [[nodiscard]] sv39::Pte root_entry(u32 index) const;

 private:
  [[nodiscard]] lib::Result<void> map(VirtAddr at, PhysRange what, Permissions permissions);
  [[nodiscard]] lib::Result<void> map_ram();
  [[nodiscard]] lib::Result<void> map_stacks();
  void note_shared_entries();

  Ppn root_;
  Ppn stack_frames_[stack_slots];
  Ppn guard_frame_;
  PhysAddr trampoline_;
  KernelImage image_{};
  static constexpr u32 max_shared_entries = 32;
  u16 shared_entry_[max_shared_entries] = {};
  u32 shared_entry_count_ = 0;
};

[[nodiscard]] KernelSpace& kernel_space();

}  // namespace mm
