// SPDX-License-Identifier: MIT
#pragma once
// The notes' first design: one kernel page table for all; the program's table is loaded by the trampoline only.

#include "abi/vmstat.hpp"
#include "mm/view_common.hpp"

namespace mm {

/// No fences here: the kernel never translates through a user table, and the trampoline fences everything when it loads
/// one (ASIDs are not used, as in the notes).
struct SharedView {
  struct State {};
  static constexpr abi::ViewKind kind = abi::ViewKind::shared;

  static u32 twin_limit(Level, VirtAddr) { return 0; }
  static void prepare_twin(sv39::PageTable&, u32) {}
  static void clear_twin(sv39::PageTable&, u32) {}
  static void entry_changed(sv39::PageTable&, unsigned, sv39::Pte) {}
  static void init() {}
  static lib::Result<void> attach(State&, Ppn, const SpaceOwner&) { return {}; }
  static void detach(State&, Ppn) {}
  static Ppn kernel_root(const State&, Ppn);
  static u64 switch_in(State&, Ppn) { return 0; }
  static u64 switch_to_kernel() { return 0; }
  static u64 user_satp(const State&, Ppn root) { return satp_of(root, sv39::Asid(0)); }
  static u64 kernel_satp(const State&, Ppn);
  static void fence_page(State&, VirtAddr) {}
  static void fence_space(State&) {}

  static usize read(Ppn root, void* to, VirtAddr from, usize bytes) {
    return SoftwareCopy::read(root, to, from, bytes);
  }
  static usize write(Ppn root, VirtAddr to, const void* from, usize bytes) {
    return SoftwareCopy::write(root, to, from, bytes);
  }
  static usize read_string(Ppn root, char* to, VirtAddr from, usize limit, bool& ended) {
    return SoftwareCopy::read_string(root, to, from, limit, ended);
  }
};

}  // namespace mm
