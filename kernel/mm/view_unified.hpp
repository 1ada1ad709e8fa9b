// SPDX-License-Identifier: MIT
#pragma once
// Beyond the notes: one table per process with the kernel in its upper half, mapped global. Traps and system calls
// change no table and fence nothing; a switch writes satp with the next process's ASID.

#include "abi/vmstat.hpp"
#include "mm/asid.hpp"
#include "mm/view_common.hpp"

namespace mm {

struct UnifiedView {
  /// Bit masks are over harts. A space is modified and run by one hart at a time, so plain words do.
  struct State {
    AsidTag tag;
    u32 ran_on = 0;  ///< may have cached translations of the space
    u32 stale = 0;  ///< owes a fence of the space's ASID before it runs it again
  };
  static constexpr abi::ViewKind kind = abi::ViewKind::unified;

  static u32 twin_limit(Level, VirtAddr) { return 0; }
  static void prepare_twin(sv39::PageTable&, u32) {}
  static void clear_twin(sv39::PageTable&, u32) {}
  static void entry_changed(sv39::PageTable&, unsigned, sv39::Pte) {}
  /// Once, before the first process: finds out how many ASIDs the hart has.
  static void init();
  static lib::Result<void> attach(State& state, Ppn root, const SpaceOwner& owner);
  static void detach(State& state, Ppn root);
  static Ppn kernel_root(const State&, Ppn root) { return root; }
  /// Writes satp itself, then fences: every table has the kernel's stacks.
  static u64 switch_in(State& state, Ppn root);
  static u64 switch_to_kernel();
  static u64 user_satp(const State&, Ppn) { return 0; }
  static u64 kernel_satp(const State&, Ppn) { return 0; }
  /// Part of its caller: every fault and every sbrk of one page ends with it.
  [[gnu::always_inline]] static void fence_page(State& state, VirtAddr va) {
    const u32 bit = 1U << arch::hart_index();
    if (state.ran_on & bit) [[likely]] {
      arch::fence_page(state.tag.asid(), va);
      count(VmEvent::fence_page);
    }
    if (owes_mark(state, bit)) [[unlikely]]
      mark_stale(state, bit);
  }
  static void fence_space(State& state);

  static usize read(Ppn root, void* to, VirtAddr from, usize bytes);
  static usize write(Ppn root, VirtAddr to, const void* from, usize bytes);
  static usize read_string(Ppn root, char* to, VirtAddr from, usize limit, bool& ended);

  static AsidAllocator asids;

 private:
  /// Another hart may hold translations of the space and does not know yet that they are old.
  static bool owes_mark(const State& state, u32 own_bit) { return (state.ran_on & ~(state.stale | own_bit)) != 0; }
  /// Marks the space for every other hart that may still hold translations of it: it fences before it runs it again.
  [[gnu::noinline]] static void mark_stale(State& state, u32 own_bit);
};

}  // namespace mm
