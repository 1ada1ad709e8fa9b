// SPDX-License-Identifier: MIT
# First instruction of every program. exec has put argc in a0, argv in a1 and the stack pointer where it belongs.
  .section .text.start, "ax"
  .globl start
  .type start, @function
start:
  li fp, 0                # the frame-pointer chain ends here
  call main
  call exit               # main's result is the exit status
  .size start, . - start
