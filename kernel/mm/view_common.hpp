// SPDX-License-Identifier: MIT
#pragma once
// What the views share: who owns a space, satp, and the walk in software that copies where the MMU cannot.

#include "lib/result.hpp"
#include "mm/frames.hpp"
#include "sv39/page_table.hpp"

namespace mm {

/// What a process brings to its address space. The frames are the process's own: a space takes a reference while it
/// maps them.
struct SpaceOwner {
  u32 stack_slot;  ///< which kernel stack (mirrored: mapped in the process's kernel table)
  Ppn trapframe;   ///< mapped at TRAPFRAME, not for the program
  Ppn usyscall;    ///< mapped at USYSCALL, readable; frame 0 (never RAM): none, and that page is the program's own

  [[nodiscard]] bool has_usyscall() const { return usyscall != Ppn(); }
};

/// satp for Sv39 (privileged manual, "Supervisor Address Translation and Protection Register").
constexpr u64 satp_of(Ppn root, sv39::Asid asid) { return u64{8} << 60 | static_cast<u64>(asid) << 44 | root.value(); }

/// Copies by walking the user's table and going through the direct map, page by page (xv6: walkaddr in copyin and
/// copyout). Only leaves with U and the right count.
struct SoftwareCopy {
  /// Bytes NOT copied: all from the first page that does not permit it.
  static usize read(Ppn root, void* to, VirtAddr from, usize bytes);
  static usize write(Ppn root, VirtAddr to, const void* from, usize bytes);
  /// Bytes copied, the NUL included; `ended` says whether it was met. Short of `limit` without it: a fault.
  static usize read_string(Ppn root, char* to, VirtAddr from, usize limit, bool& ended);
};

}  // namespace mm
