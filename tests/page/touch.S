# SPDX-License-Identifier: MIT
# Stores to every page of 128 MiB of memory, again and again, and switches the machine off: all of the guest's memory is
# in use, and its past holds as much as it may. For memory_test.mjs.
    .section .text.entry, "ax"
    .globl _entry
_entry:
    csrr t0, mhartid
    bnez t0, wait
    li s0, 100
    li s1, 0x80000000 + (128 << 20)
    li s2, 4096
round:
    la t1, image_end
1:  sd s0, 0(t1)
    add t1, t1, s2
    bltu t1, s1, 1b
    addi s0, s0, -1
    bnez s0, round
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
wait:
    wfi
    j wait
    .section .bss
    .balign 4096
