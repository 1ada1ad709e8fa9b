// SPDX-License-Identifier: MIT
#pragma once
// Who is running: tp holds the running thread, which knows its hart. (xv6: mycpu, cpuid, r_tp.)

#include <cstddef>

#include "arch/hart_counters.hpp"
#include "arch/riscv64/layout.hpp"
#include "lib/types.hpp"

namespace arch {

inline constexpr u32 max_hart_count = LAYOUT_MAX_HARTS;

struct TrapFrame;

/// All harts' counters, by index.
inline HartCounters hart_counters[max_hart_count];

/// The part of a thread that assembly and lower layers see; sched::Thread begins with it. A function sees the same
/// tp all its life, because a thread takes its tp with it; only `hart` and `counters` change when the thread moves.
struct CurrentThread {
  u32 hart = 0;                     ///< index of the hart it runs on, or ran last
  u32 reserved = 0;
  TrapFrame* trap_frame = nullptr;  ///< null for threads that never go to user mode
  u64 stack_bottom = 0;             ///< lowest address of the kernel stack; a trap with sp below it is an overflow
  u64 stack_top = 0;
  u64 scratch[2] = {};              ///< two registers during the first steps of a kernel trap
  HartCounters* counters = nullptr; ///< the hart's
};

static_assert(offsetof(CurrentThread, trap_frame) == 8 && offsetof(CurrentThread, stack_bottom) == 16);
static_assert(offsetof(CurrentThread, stack_top) == 24 && offsetof(CurrentThread, scratch) == 32);

[[nodiscard]] inline CurrentThread* current_thread() {
  CurrentThread* thread;
  asm("mv %0, tp" : "=r"(thread));  // not volatile: constant for the running function, see above
  return thread;
}

}  // namespace arch
