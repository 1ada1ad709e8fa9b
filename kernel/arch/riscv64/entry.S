// SPDX-License-Identifier: MIT
// Reset to S-mode (xv6: entry.S, start.c, timervec). Runs in M-mode at physical addresses, without a stack: all symbols
// are reached relative to pc, and nothing here may use an absolute address but through LAYOUT_KERNEL_OFFSET.

#include "arch/riscv64/layout.hpp"

#define CLINT_BASE 0x2000000      /* where QEMU's virt has it; corrected from the device tree (start.cpp) */

// One hart's machine-mode area: two saved registers, address of its msip, address of its mtimecmp, bits to set in mie.
#define MACHINE_AREA_SHIFT 6

  .section .text.entry, "ax"
  .globl machine_entry
machine_entry:
  csrr  a0, mhartid
  li    t0, LAYOUT_MAX_HARTS
  bgeu  a0, t0, park

  // This hart's area, for the vector below.
  la    s1, machine_areas
  slli  t0, a0, MACHINE_AREA_SHIFT
  add   s1, s1, t0
  li    t1, CLINT_BASE
  slli  t0, a0, 2
  add   t0, t0, t1
  sd    t0, 16(s1)               // msip
  li    t1, CLINT_BASE + 0x4000
  slli  t0, a0, 3
  add   t0, t0, t1
  sd    t0, 24(s1)               // mtimecmp
  csrw  mscratch, s1
  la    t0, machine_vector
  csrw  mtvec, t0

  // S-mode may touch all memory: without an entry PMP forbids it everything.
  li    t0, -1
  csrw  pmpaddr0, t0
  li    t0, 0x1f                 // NAPOT over everything, R W X
  csrw  pmpcfg0, t0

  // Every trap goes to S-mode but the two that only M-mode gets.
  li    t0, 0xffff
  csrw  medeleg, t0
  li    t0, 0x222                // software, timer, external of S-mode
  csrw  mideleg, t0

  // cycle, time and instret may be read below.
  li    t0, 7
  csrw  mcounteren, t0
  csrw  scounteren, t0

  // Sstc, if it is there: bit 63 of menvcfg (0x30a), STCE. On a hart without menvcfg the access traps and the vector
  // skips it. Whether Sstc is there only the device tree tells (QEMU keeps the bit in any case), so S-mode asks for the
  // CLINT's timer later, through its area and a software interrupt.
  li    t0, -1
  slli  t0, t0, 63
  csrs  0x30a, t0
  li    t0, 0x008                // MSIE: software interrupts from other harts
  csrw  mie, t0

  // Back to S-mode with interrupts off and no translation, or the boot root in `unified`.
  li    t0, 3 << 11
  csrc  mstatus, t0
  li    t0, 1 << 11
  csrs  mstatus, t0              // MPP = S
  csrw  satp, zero
  sfence.vma
#if defined(BIFOLIUM_VIEW_UNIFIED)
  la    t0, boot_root
  srli  t0, t0, 12
  li    t1, 8 << 60
  or    t0, t0, t1
  csrw  satp, t0
  sfence.vma
#endif
  li    s2, LAYOUT_KERNEL_OFFSET

  // The stack of this hart's idle thread, on which S-mode begins.
  la    sp, boot_stacks
  li    t0, LAYOUT_BOOT_STACK_SIZE
  addi  t1, a0, 1
  mul   t0, t0, t1
  add   sp, sp, t0
  add   sp, sp, s2

  // The first hart here boots the machine; the others wait until it lets them go.
  la    t0, boot_lottery
  li    t1, 1
  amoswap.w.aqrl t1, t1, (t0)
  bnez  t1, wait_for_release

  la    t0, bss_start
  la    t1, bss_end
2:sd    zero, 0(t0)
  sd    zero, 8(t0)
  sd    zero, 16(t0)
  sd    zero, 24(t0)
  sd    zero, 32(t0)
  sd    zero, 40(t0)
  sd    zero, 48(t0)
  sd    zero, 56(t0)
  sd    zero, 64(t0)
  sd    zero, 72(t0)
  sd    zero, 80(t0)
  sd    zero, 88(t0)
  sd    zero, 96(t0)
  sd    zero, 104(t0)
  sd    zero, 112(t0)
  sd    zero, 120(t0)
  addi  t0, t0, 128
  bltu  t0, t1, 2b
  la    t0, boot_hart_start
  j     to_supervisor

wait_for_release:
  wfi                            // ends when msip is set, although mstatus.MIE is clear
  la    t0, harts_released
  lw    t1, (t0)
  beqz  t1, wait_for_release
  fence rw, rw
  ld    t0, 16(s1)
  sw    zero, (t0)               // msip has done its work
  la    t0, secondary_hart_start

to_supervisor:                   // a0 hart id, a1 device tree, t0 where to
  li    s0, 0                    // a backtrace ends here
  add   t0, t0, s2
  csrw  mepc, t0
  mret

park:
  csrw  mie, zero
3:wfi
  j     3b

// Machine-mode traps after boot: a software interrupt from another hart, the CLINT's timer. Both become a software
// interrupt of S-mode, which finds out which it was. An exception can only be the probing above: skip it.
  .balign 4
machine_vector:
  csrrw t6, mscratch, t6
  sd    t4, 0(t6)
  sd    t5, 8(t6)
  csrr  t4, mcause
  bgez  t4, machine_exception
  andi  t4, t4, 0xf
  li    t5, 7
  beq   t4, t5, 4f
  ld    t5, 16(t6)
  sw    zero, (t5)
  ld    t5, 32(t6)
  csrs  mie, t5
  j     5f
4:ld    t5, 24(t6)               // timer: far away, until S-mode sets it again
  li    t4, -1
  sd    t4, (t5)
5:csrsi mip, 2                   // SSIP
6:ld    t4, 0(t6)
  ld    t5, 8(t6)
  csrrw t6, mscratch, t6
  mret
machine_exception:
  csrr  t4, mepc
  addi  t4, t4, 4
  csrw  mepc, t4
  j     6b

  .section .data
  .balign 64
  .globl machine_areas
machine_areas:
  .zero LAYOUT_MAX_HARTS << MACHINE_AREA_SHIFT
  .globl harts_released
harts_released: .word 0
boot_lottery: .word 0

  .section .noinit, "aw", @nobits
  .balign 4096
  .globl boot_stacks
boot_stacks: .zero LAYOUT_MAX_HARTS * LAYOUT_BOOT_STACK_SIZE
  .globl emergency_stacks
emergency_stacks: .zero LAYOUT_MAX_HARTS * LAYOUT_EMERGENCY_STACK_SIZE
