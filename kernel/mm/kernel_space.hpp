// The kernel's own page table (xv6: kvmmake, kvmmap, kvminit, kvminithart, proc_mapstacks).
#pragma once

#include <span>

#include "mm/frames.hpp"
#include "mm/tables.hpp"
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

class KernelSpace {
 public:
  static constexpr u32 stack_slots = 64;
  static constexpr u64 stack_pages = 2;

  /// Builds the table: devices, RAM with superpage leaves wherever aligned, kernel stacks with a hole below each,
  /// TRAMPOLINE. Once, after frames().init().
  [[nodiscard]] lib::Result<void> build(std::span<const DeviceWindow> devices, const KernelImage& image);

  /// satp for harts that run no process, and for all of them in `shared`.
  [[nodiscard]] u64 satp() const;
  [[nodiscard]] Ppn root() const { return root_; }

  /// Where the kernel stack of a slot lies (mirrored: the same for all).
  [[nodiscard]] VirtRange stack(u32 slot) const;
  /// The frames behind it, lowest address first.
  [[nodiscard]] Ppn stack_frame(u32 slot, u64 page) const { return Ppn(stack_frames_[slot].value() + page); }
  [[nodiscard]] PhysAddr trampoline() const { return trampoline_; }
  /// The frame that every guard page shows.
  [[nodiscard]] Ppn guard_frame() const { return guard_frame_; }
  /// First and last-plus-one address of the kernel's text and read-only data (for the checker).
  [[nodiscard]] const KernelImage& image() const { return image_; }

 private:
  [[nodiscard]] lib::Result<void> map(VirtAddr at, PhysRange what, Permissions permissions);
  [[nodiscard]] lib::Result<void> map_ram();
  [[nodiscard]] lib::Result<void> map_stacks();

  Ppn root_;
  Ppn stack_frames_[stack_slots];
  Ppn guard_frame_;
  PhysAddr trampoline_;
  KernelImage image_{};
};

[[nodiscard]] KernelSpace& kernel_space();

}  // namespace mm
