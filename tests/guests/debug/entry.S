# Code that no compiler wrote: it has lines, and no function entries.
.section .text.entry, "ax"
.globl entry
entry:
  la sp, stack_top
  j _start
.globl handler
handler:
  nop
  nop
  ret
.section .bss
.skip 256
stack_top:
