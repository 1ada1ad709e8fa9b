# SPDX-License-Identifier: MIT
# Two thousand million instructions, or INSTRUCTIONS, in a loop of seven, with a load and a store; then the machine is
# switched off. For speed.py here and in tests/page.
#if !defined(INSTRUCTIONS)
#define INSTRUCTIONS 2000000000
#endif
    .section .text.entry, "ax"
    .globl _entry
_entry:
    csrr t0, mhartid
    bnez t0, wait
    li s0, INSTRUCTIONS / 7
    la s1, word
1:  ld t1, 0(s1)
    addi t1, t1, 3
    xor t2, t1, s0
    slli t2, t2, 1
    sd t2, 0(s1)
    addi s0, s0, -1
    bnez s0, 1b
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
wait:
    wfi
    j wait
    .section .bss
    .balign 8
word:
    .zero 8
