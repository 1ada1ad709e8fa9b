// SPDX-License-Identifier: MIT
#pragma once
// What the trap entry saves of a program, and finds of the kernel.

#include <cstddef>

#include "lib/types.hpp"

namespace arch {

struct CurrentThread;

/// One page-frame per process (xv6: struct trapframe). Register xN is saved at offset 8*N; x0's slot holds epc.
/// The second part is what the entry needs to get into the kernel: set once per process or exec.
struct TrapFrame {
  u64 epc;  ///< user program counter (sepc)
  u64 ra, sp, gp, tp;
  u64 t0, t1, t2;
  u64 s0, s1;
  u64 a0, a1, a2, a3, a4, a5, a6, a7;
  u64 s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
  u64 t3, t4, t5, t6;

  u64 kernel_stack_top;   ///< sp for usertrap(); its frame pointer equals this: a backtrace ends there
  CurrentThread* thread;  ///< tp in the kernel
  u64 kernel_satp;        ///< shared, mirrored: the table to enter the kernel with
  u64 user_satp;          ///< shared, mirrored: the table to return with
  TrapFrame* self;        ///< this frame's kernel address (the entry knows it only as TRAPFRAME)

  /// Register x1..x31 by number.
  [[nodiscard]] u64& x(usize number) { return (&epc)[number]; }
};

static_assert(offsetof(TrapFrame, t6) == 31 * 8);
static_assert(offsetof(TrapFrame, a0) == 10 * 8 && offsetof(TrapFrame, s2) == 18 * 8);
static_assert(offsetof(TrapFrame, kernel_stack_top) == 256 && offsetof(TrapFrame, self) == 288);

/// All registers at a trap from the kernel itself; printed by fault reports.
struct KernelTrapFrame {
  u64 epc;
  u64 x[31];  ///< x1..x31 in order
  u64 cause, value, status;
};

}  // namespace arch

/// The kernel's side of a trap from user mode, in kernel/trap.cpp: unmangled, for debuggers (xv6: usertrap).
/// Returns to the program, with the registers that the frame then holds.
extern "C" void usertrap(arch::TrapFrame& frame, u64 cause, u64 value);

namespace arch {

/// Goes to user mode with this frame's registers; for a thread that has no usertrap() to return from: a fork's
/// child, the first process (xv6: forkret's end, usertrapret). Empties the kernel stack. The frame must be the
/// current thread's.
[[noreturn]] void enter_user(TrapFrame& frame);

}  // namespace arch
