// SPDX-License-Identifier: MIT
// Traps into S-mode (xv6: trampoline.S, kernelvec.S).
//
// One vector for all: sscratch is the trap frame's address while a program runs and 0 while the kernel runs, so the
// first swap tells where the trap came from, and stvec never changes. sstatus needs no care either: the kernel
// takes no interrupts (SIE stays 0), and after any sret SPP is clear, so a return to user mode finds it so.

#include "arch/riscv64/layout.hpp"

// TrapFrame (trap_frame.hpp): register N at 8*N, epc at 0.
#define FRAME_KERNEL_STACK 256
#define FRAME_THREAD 264
#define FRAME_KERNEL_SATP 272
#define FRAME_USER_SATP 280
#define FRAME_SELF 288
// CurrentThread (hart.hpp).
#define THREAD_HART 0
#define THREAD_FRAME 8
#define THREAD_STACK_BOTTOM 16
#define THREAD_STACK_TOP 24
#define THREAD_SCRATCH 32
// KernelTrapFrame.
#define KERNEL_FRAME_SIZE 288
#define KERNEL_FRAME_CAUSE 256
#define KERNEL_FRAME_VALUE 264
#define KERNEL_FRAME_STATUS 272

// All of a program's registers but t6 (x31), which holds the frame's address.
  .macro save_user_registers frame
  sd    ra, 8(\frame)
  sd    sp, 16(\frame)
  sd    gp, 24(\frame)
  sd    tp, 32(\frame)
  sd    t0, 40(\frame)
  sd    t1, 48(\frame)
  sd    t2, 56(\frame)
  sd    s0, 64(\frame)
  sd    s1, 72(\frame)
  sd    a0, 80(\frame)
  sd    a1, 88(\frame)
  sd    a2, 96(\frame)
  sd    a3, 104(\frame)
  sd    a4, 112(\frame)
  sd    a5, 120(\frame)
  sd    a6, 128(\frame)
  sd    a7, 136(\frame)
  sd    s2, 144(\frame)
  sd    s3, 152(\frame)
  sd    s4, 160(\frame)
  sd    s5, 168(\frame)
  sd    s6, 176(\frame)
  sd    s7, 184(\frame)
  sd    s8, 192(\frame)
  sd    s9, 200(\frame)
  sd    s10, 208(\frame)
  sd    s11, 216(\frame)
  sd    t3, 224(\frame)
  sd    t4, 232(\frame)
  sd    t5, 240(\frame)
  .endm

// All but a0 (x10), which holds the frame's address and is loaded last. `quick`: without those that usertrap() has
// kept as every function does (s0..s11). gp is nobody's to keep: another program may have run in between.
  .macro restore_user_registers quick=0
  ld    ra, 8(a0)
  ld    sp, 16(a0)
  ld    gp, 24(a0)
  ld    tp, 32(a0)
  ld    t0, 40(a0)
  ld    t1, 48(a0)
  ld    t2, 56(a0)
  .if \quick == 0
  ld    s0, 64(a0)
  ld    s1, 72(a0)
  .endif
  ld    a1, 88(a0)
  ld    a2, 96(a0)
  ld    a3, 104(a0)
  ld    a4, 112(a0)
  ld    a5, 120(a0)
  ld    a6, 128(a0)
  ld    a7, 136(a0)
  .if \quick == 0
  ld    s2, 144(a0)
  ld    s3, 152(a0)
  ld    s4, 160(a0)
  ld    s5, 168(a0)
  ld    s6, 176(a0)
  ld    s7, 184(a0)
  ld    s8, 192(a0)
  ld    s9, 200(a0)
  ld    s10, 208(a0)
  ld    s11, 216(a0)
  .endif
  ld    t3, 224(a0)
  ld    t4, 232(a0)
  ld    t5, 240(a0)
  ld    t6, 248(a0)
  ld    a0, 80(a0)
  .endm

  .section .trampoline, "ax"
  .balign 4
  .globl trap_vector
trap_vector:
  csrrw t6, sscratch, t6
  beqz  t6, trap_from_kernel
  save_user_registers t6
  csrrw t0, sscratch, zero       // the program's t6; 0: the kernel runs
  sd    t0, 248(t6)
  csrr  t0, sepc
  sd    t0, 0(t6)
  csrr  a1, scause
  csrr  a2, stval
  ld    sp, FRAME_KERNEL_STACK(t6)
  ld    tp, FRAME_THREAD(t6)
#if defined(BIFOLIUM_VIEW_UNIFIED)
  mv    a0, t6
  call  usertrap
  ld    a0, THREAD_FRAME(tp)
  csrw  sscratch, a0
  ld    t0, 0(a0)
  csrw  sepc, t0
  restore_user_registers quick=1
  sret
trap_exit:                       // a0: frame; from enter_user: all registers are the frame's
  csrw  sscratch, a0
#else
  // Out of the user's table into the kernel's: this page is at the same address in both.
  ld    a0, FRAME_SELF(t6)
  ld    t1, FRAME_KERNEL_SATP(t6)
  ld    t2, address_of_call_usertrap
  csrw  satp, t1
  sfence.vma                     // these tables share ASID 0
  jr    t2

  .macro leave_kernel_table      // a0: frame; at the trampoline's address
  ld    t1, FRAME_USER_SATP(a0)
  csrw  satp, t1
  sfence.vma
  li    a0, LAYOUT_TRAPFRAME     // the same frame under the user's table
  csrw  sscratch, a0
  .endm

quick_exit:                      // after usertrap()
  leave_kernel_table
  ld    t0, 0(a0)
  csrw  sepc, t0
  restore_user_registers quick=1
  sret
trap_exit:                       // from enter_user: all registers are the frame's
  leave_kernel_table
#endif
  ld    t0, 0(a0)
  csrw  sepc, t0
  restore_user_registers
  sret

trap_from_kernel:
  csrrw t6, sscratch, zero       // undo the swap
  sd    t5, THREAD_SCRATCH(tp)
  sd    t6, THREAD_SCRATCH+8(tp)
  ld    t6, address_of_kernel_trap
  jr    t6

  .balign 8                      // absolute: this page also runs at the trampoline's address
address_of_kernel_trap: .dword kernel_trap_entry
#if !defined(BIFOLIUM_VIEW_UNIFIED)
address_of_call_usertrap: .dword call_usertrap
#endif

  .text
#if !defined(BIFOLIUM_VIEW_UNIFIED)
call_usertrap:
  call  usertrap
  ld    a0, THREAD_FRAME(tp)
  ld    t0, address_of_quick_exit
  jr    t0
go_to_trap_exit:
  ld    t0, address_of_trap_exit
  jr    t0
  .balign 8
address_of_trap_exit: .dword LAYOUT_TRAMPOLINE + (trap_exit - trap_vector)
address_of_quick_exit: .dword LAYOUT_TRAMPOLINE + (quick_exit - trap_vector)
#endif

// arch::enter_user(frame): the frame is the current thread's.
  .globl _ZN4arch10enter_userERNS_9TrapFrameE
_ZN4arch10enter_userERNS_9TrapFrameE:
#if defined(BIFOLIUM_VIEW_UNIFIED)
  j     trap_exit
#else
  j     go_to_trap_exit
#endif

// A trap out of the kernel: a user copy that met a fault, or a bug. t5 and t6 are in the thread's scratch.
// A stack pointer outside the thread's stack is the sign of an overflow: report on the hart's emergency stack.
  .balign 4
kernel_trap_entry:
  ld    t5, THREAD_STACK_BOTTOM(tp)
  addi  t6, sp, -KERNEL_FRAME_SIZE
  bltu  t6, t5, kernel_stack_lost
  ld    t5, THREAD_STACK_TOP(tp)
  bltu  t5, sp, kernel_stack_lost
  sd    sp, 16-KERNEL_FRAME_SIZE(sp)
  addi  sp, sp, -KERNEL_FRAME_SIZE
  .macro save_kernel_registers
  sd    ra, 8(sp)
  sd    gp, 24(sp)
  sd    tp, 32(sp)
  sd    t0, 40(sp)
  sd    t1, 48(sp)
  sd    t2, 56(sp)
  sd    s0, 64(sp)
  sd    s1, 72(sp)
  sd    a0, 80(sp)
  sd    a1, 88(sp)
  sd    a2, 96(sp)
  sd    a3, 104(sp)
  sd    a4, 112(sp)
  sd    a5, 120(sp)
  sd    a6, 128(sp)
  sd    a7, 136(sp)
  sd    s2, 144(sp)
  sd    s3, 152(sp)
  sd    s4, 160(sp)
  sd    s5, 168(sp)
  sd    s6, 176(sp)
  sd    s7, 184(sp)
  sd    s8, 192(sp)
  sd    s9, 200(sp)
  sd    s10, 208(sp)
  sd    s11, 216(sp)
  sd    t3, 224(sp)
  sd    t4, 232(sp)
  ld    t5, THREAD_SCRATCH(tp)
  sd    t5, 240(sp)
  ld    t6, THREAD_SCRATCH+8(tp)
  sd    t6, 248(sp)
  csrr  t0, sepc
  sd    t0, 0(sp)
  csrr  t0, scause
  sd    t0, KERNEL_FRAME_CAUSE(sp)
  csrr  t0, stval
  sd    t0, KERNEL_FRAME_VALUE(sp)
  csrr  t0, sstatus
  sd    t0, KERNEL_FRAME_STATUS(sp)
  .endm
  save_kernel_registers
  mv    a0, sp
  call  kernel_trap              // returns only after a fix-up
  ld    t0, 0(sp)
  csrw  sepc, t0
  ld    t0, KERNEL_FRAME_STATUS(sp)
  csrw  sstatus, t0              // SPP: back to the kernel
  ld    ra, 8(sp)
  ld    t0, 40(sp)
  ld    t1, 48(sp)
  ld    t2, 56(sp)
  ld    a0, 80(sp)
  ld    a1, 88(sp)
  ld    a2, 96(sp)
  ld    a3, 104(sp)
  ld    a4, 112(sp)
  ld    a5, 120(sp)
  ld    a6, 128(sp)
  ld    a7, 136(sp)
  ld    t3, 224(sp)
  ld    t4, 232(sp)
  ld    t5, 240(sp)
  ld    t6, 248(sp)
  ld    sp, 16(sp)               // s registers were kept by the C++ code
  sret

kernel_stack_lost:
  la    t5, emergency_stacks
  lw    t6, THREAD_HART(tp)
  addi  t6, t6, 1
  slli  t6, t6, 13               // LAYOUT_EMERGENCY_STACK_SIZE
  add   t5, t5, t6
  addi  t5, t5, -KERNEL_FRAME_SIZE
  sd    sp, 16(t5)
  mv    sp, t5
  save_kernel_registers
  mv    a0, sp
  mv    s0, zero
  call  kernel_stack_overflow

  .if LAYOUT_EMERGENCY_STACK_SIZE != 1 << 13
  .error "kernel_stack_lost shifts by the wrong size"
  .endif
