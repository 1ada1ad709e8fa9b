// SPDX-License-Identifier: MIT
// Thread to thread (xv6: swtch.S). See context.hpp for the contract.

  .text
  .globl arch_switch_context
arch_switch_context:             // a0 from, a1 to, a2 satp, a3 to_thread, a4 from_on_cpu
  sd    ra, 0(a0)
  sd    sp, 8(a0)
  sd    s0, 16(a0)
  sd    s1, 24(a0)
  sd    s2, 32(a0)
  sd    s3, 40(a0)
  sd    s4, 48(a0)
  sd    s5, 56(a0)
  sd    s6, 64(a0)
  sd    s7, 72(a0)
  sd    s8, 80(a0)
  sd    s9, 88(a0)
  sd    s10, 96(a0)
  sd    s11, 104(a0)
#if defined(BIFOLIUM_VIEW_MIRRORED)
  csrw  satp, a2
  sfence.vma                     // the kernel tables of all processes share ASID 0, and the stack's address
#endif
  ld    ra, 0(a1)
  ld    sp, 8(a1)
  ld    s0, 16(a1)
  ld    s1, 24(a1)
  ld    s2, 32(a1)
  ld    s3, 40(a1)
  ld    s4, 48(a1)
  ld    s5, 56(a1)
  ld    s6, 64(a1)
  ld    s7, 72(a1)
  ld    s8, 80(a1)
  ld    s9, 88(a1)
  ld    s10, 96(a1)
  ld    s11, 104(a1)
  mv    tp, a3
  fence rw, w                    // all that the old thread did is seen before its on_cpu is 0
  // A program's lr must not pair with another's sc: what this hart has reserved ends here (unprivileged manual, 8.2).
  // If it could succeed it would store what is stored next.
  sc.w  zero, zero, (a4)
  sw    zero, (a4)
  ret

// Where a new thread begins: prepare() left its function in s1 and the argument in s2.
  .globl arch_thread_begin
arch_thread_begin:
  li    s0, 0                    // a backtrace ends here
  mv    a0, s2
  jalr  s1
  unimp                          // the function must not return
