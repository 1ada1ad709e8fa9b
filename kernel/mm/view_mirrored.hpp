// SPDX-License-Identifier: MIT
#pragma once
// The notes' second design: a kernel page table per process that also holds the program's pages below the PLIC, without
// U and X, so that the kernel reads and writes them with plain loads and stores (the notes: proc_kvminit, u2kvmcopy).
//
// The mirror cannot go stale: each user table that serves mirrored addresses has a twin, a table of the same shape in
// the kernel's tree, named in its frame record; and the one function that stores user entries stores into the twin as
// well.

#include "abi/vmstat.hpp"
#include "arch/mirror_limit.hpp"
#include "mm/view_common.hpp"

namespace mm {

struct MirroredView {
  struct State {
    Ppn kernel_root;
  };
  static constexpr abi::ViewKind kind = abi::ViewKind::mirrored;
  /// The mirror ends where the kernel's device mappings begin (PLIC). Above it user memory is copied by software.
  static constexpr u64 mirror_end = arch::mirror_limit;

  static u32 twin_limit(Level level, VirtAddr va);
  /// The part of a new twin that does not mirror: the kernel's own entries. And its removal.
  static void prepare_twin(sv39::PageTable& twin, u32 limit);
  static void clear_twin(sv39::PageTable& twin, u32 limit);
  static void entry_changed(sv39::PageTable& node, unsigned index, sv39::Pte pte);
  static void init();
  static lib::Result<void> attach(State& state, Ppn root, const SpaceOwner& owner);
  static void detach(State& state, Ppn root);
  static Ppn kernel_root(const State& state, Ppn) { return state.kernel_root; }
  /// The switch fences everything after it wrote satp (no ASIDs, as in the notes).
  static u64 switch_in(State& state, Ppn) { return satp_of(state.kernel_root, sv39::Asid(0)); }
  static u64 switch_to_kernel();
  static u64 user_satp(const State&, Ppn root) { return satp_of(root, sv39::Asid(0)); }
  static u64 kernel_satp(const State& state, Ppn) { return satp_of(state.kernel_root, sv39::Asid(0)); }
  /// For the mirror; the user's own translations are fenced by the trampoline.
  static void fence_page(State&, VirtAddr va);
  static void fence_space(State&);

  static usize read(Ppn root, void* to, VirtAddr from, usize bytes);
  static usize write(Ppn root, VirtAddr to, const void* from, usize bytes);
  static usize read_string(Ppn root, char* to, VirtAddr from, usize limit, bool& ended);
};

}  // namespace mm
