// Bulk memory operations. QEMU counts instructions and cores count issue slots: both want few per byte, so the
// loops are unrolled to 256 bytes, for whole pages further. Also the two user copies, which are the same loops with
// fix-up entries.

  .text

// lib_zero_page(page): 512 stores, 4 rounds.
  .globl lib_zero_page
  .balign 4
lib_zero_page:
  li    a1, 4096
  add   a1, a1, a0
1:
  .set offset, 0
  .rept 128
  sd    zero, offset(a0)
  .set offset, offset + 8
  .endr
  addi  a0, a0, 1024
  bne   a0, a1, 1b
  ret

// Copies 8 registers' worth: 64 bytes from a1 to a0 at the given offset.
  .macro copy_64 at
  ld    t0, \at(a1)
  ld    t1, \at+8(a1)
  ld    t2, \at+16(a1)
  ld    t3, \at+24(a1)
  ld    t4, \at+32(a1)
  ld    t5, \at+40(a1)
  ld    t6, \at+48(a1)
  ld    a7, \at+56(a1)
  sd    t0, \at(a0)
  sd    t1, \at+8(a0)
  sd    t2, \at+16(a0)
  sd    t3, \at+24(a0)
  sd    t4, \at+32(a0)
  sd    t5, \at+40(a0)
  sd    t6, \at+48(a0)
  sd    a7, \at+56(a0)
  .endm

// lib_copy_page(to, from)
  .globl lib_copy_page
  .balign 4
lib_copy_page:
  li    a2, 4096
  add   a2, a2, a0
1:copy_64 0
  copy_64 64
  copy_64 128
  copy_64 192
  copy_64 256
  copy_64 320
  copy_64 384
  copy_64 448
  addi  a0, a0, 512
  addi  a1, a1, 512
  bne   a0, a2, 1b
  ret

// The forward copy: to a0, from a1, count a2. Leaves through `copied` with everything done. a0 and a1 move only after
// the accesses of a round, so that a fault in a round leaves them at its beginning; a2 is the end of the destination,
// so what is missing is always a2 - a0. Uses a3 to a7 and t0 to t6.
  .macro copy_forward name
  mv    a4, a2
  add   a2, a2, a0
  li    a5, 8
  bltu  a4, a5, \name\()_bytes   // few: not worth aligning
  or    a3, a0, a1
  andi  a3, a3, 7
  beqz  a3, \name\()_aligned
  li    a5, 16
  bltu  a4, a5, \name\()_bytes
  xor   a3, a0, a1
  andi  a3, a3, 7
  bnez  a3, \name\()_merge

  // Both have the same offset in a word: bytes up to a word's border of both.
  andi  a3, a0, 7
  li    a4, 8
  sub   a4, a4, a3
  add   a4, a4, a0
\name\()_head:
1:lb    t0, 0(a1)
  sb    t0, 0(a0)
  addi  a1, a1, 1
  addi  a0, a0, 1
  bne   a0, a4, 1b
\name\()_aligned:
  addi  a3, a2, -255             // last place where 256 bytes are left, plus 1
  bgeu  a0, a3, 4f
3:copy_64 0
  copy_64 64
  copy_64 128
  copy_64 192
  addi  a0, a0, 256
  addi  a1, a1, 256
  bltu  a0, a3, 3b
4:addi  a3, a2, -31
  bgeu  a0, a3, 6f
5:ld    t0, 0(a1)
  ld    t1, 8(a1)
  ld    t2, 16(a1)
  ld    t3, 24(a1)
  sd    t0, 0(a0)
  sd    t1, 8(a0)
  sd    t2, 16(a0)
  sd    t3, 24(a0)
  addi  a0, a0, 32
  addi  a1, a1, 32
  bltu  a0, a3, 5b
6:addi  a3, a2, -7
  bgeu  a0, a3, \name\()_bytes
7:ld    t0, 0(a1)
  sd    t0, 0(a0)
  addi  a0, a0, 8
  addi  a1, a1, 8
  bltu  a0, a3, 7b
\name\()_aligned_end:
\name\()_bytes:
  bgeu  a0, a2, \name\()_copied
\name\()_each_byte:
8:lb    t0, 0(a1)
  sb    t0, 0(a0)
  addi  a0, a0, 1
  addi  a1, a1, 1
  bltu  a0, a2, 8b
\name\()_each_byte_end:
\name\()_copied:
  .endm

// The other case, out of line: offsets differ. Align the destination, then put each word together from two aligned
// words of the source: five instructions for 8 bytes, without misaligned accesses (which firmware may emulate slowly).
// An aligned load never reaches into a page without a byte of the source in it.
  .macro copy_merge name
\name\()_merge:
  andi  a3, a0, 7
  beqz  a3, 2f
  li    a4, 8
  sub   a4, a4, a3
  add   a4, a4, a0
\name\()_merge_head:
1:lb    t0, 0(a1)
  sb    t0, 0(a0)
  addi  a1, a1, 1
  addi  a0, a0, 1
  bne   a0, a4, 1b
2:andi  a3, a1, 7                // source's offset in its word: 1 to 7
  slli  t5, a3, 3                // bits to drop from the first word
  neg   t6, t5                   // bits to shift the second up by (shifts count modulo 64)
  addi  a4, a2, -7
  bgeu  a0, a4, \name\()_bytes
  sub   a5, a1, a3               // the aligned source
\name\()_merge_words:
  ld    t0, 0(a5)
3:ld    t1, 8(a5)
  srl   t2, t0, t5
  sll   t3, t1, t6
  or    t2, t2, t3
  sd    t2, 0(a0)
  mv    t0, t1
  addi  a5, a5, 8
  addi  a1, a1, 8
  addi  a0, a0, 8
  bltu  a0, a4, 3b
\name\()_merge_end:
  j     \name\()_bytes
  .endm

// memcpy(to, from, count)
  .globl memcpy
  .balign 4
memcpy:
  mv    a6, a0
  copy_forward memcpy
  mv    a0, a6
  ret
  copy_merge memcpy

// memmove(to, from, count): forward unless the destination lies inside the source.
  .globl memmove
  .balign 4
memmove:
  sub   a3, a0, a1
  bgeu  a3, a2, memcpy
  beqz  a3, 3f
  add   a4, a0, a2               // backward, from the ends
  add   a1, a1, a2
  or    a3, a4, a1
  andi  a3, a3, 7
  bnez  a3, 2f
  addi  a5, a0, 7
1:bgeu  a5, a4, 2f
  ld    t0, -8(a1)
  sd    t0, -8(a4)
  addi  a1, a1, -8
  addi  a4, a4, -8
  j     1b
2:beq   a4, a0, 3f
  lb    t0, -1(a1)
  sb    t0, -1(a4)
  addi  a1, a1, -1
  addi  a4, a4, -1
  j     2b
3:ret

// memset(to, byte, count)
  .globl memset
  .balign 4
memset:
  add   a2, a2, a0
  mv    a6, a0
  sub   a3, a2, a0
  li    a4, 16
  bltu  a3, a4, 6f
  andi  a1, a1, 0xff
  slli  a4, a1, 8
  or    a1, a1, a4
  slli  a4, a1, 16
  or    a1, a1, a4
  slli  a4, a1, 32
  or    a1, a1, a4
1:andi  a3, a0, 7
  beqz  a3, 2f
  sb    a1, 0(a0)
  addi  a0, a0, 1
  j     1b
2:addi  a3, a2, -255
  bgeu  a0, a3, 4f
3:
  .set offset, 0
  .rept 32
  sd    a1, offset(a0)
  .set offset, offset + 8
  .endr
  addi  a0, a0, 256
  bltu  a0, a3, 3b
4:addi  a3, a2, -7
  bgeu  a0, a3, 6f
5:sd    a1, 0(a0)
  addi  a0, a0, 8
  bltu  a0, a3, 5b
6:bgeu  a0, a2, 8f
7:sb    a1, 0(a0)
  addi  a0, a0, 1
  bltu  a0, a2, 7b
8:mv    a0, a6
  ret

// A fault at an instruction in [from, to) continues at `then` (fault.cpp reads the table).
  .macro fixup from, to, then
  .pushsection .fixup_table, "a"
  .balign 8
  .dword \from, \to, \then
  .popsection
  .endm

// arch_copy_user(to, from, count): what memcpy does, and how many bytes are missing. A fault inside a round sends the
// rest to the byte loop, which faults again at the very byte.
  .globl arch_copy_user
  .balign 4
arch_copy_user:
  copy_forward copy_user
  sub   a0, a2, a0
  ret
  copy_merge copy_user
  fixup copy_user_head, copy_user_aligned, copy_user_copied
  fixup copy_user_aligned, copy_user_aligned_end, copy_user_bytes
  fixup copy_user_each_byte, copy_user_each_byte_end, copy_user_copied
  fixup copy_user_merge_head, copy_user_merge_words, copy_user_copied
  fixup copy_user_merge_words, copy_user_merge_end, copy_user_bytes

// arch_copy_string_user(to, from, limit, faulted*)
  .globl arch_copy_string_user
  .balign 4
arch_copy_string_user:
  mv    a4, a0
  add   a2, a2, a0               // end of the room
1:bgeu  a0, a2, 3f
copy_string_access:
  lbu   t0, 0(a1)
copy_string_access_end:
  sb    t0, 0(a0)
  addi  a0, a0, 1
  addi  a1, a1, 1
  bnez  t0, 1b
  sub   a0, a0, a4               // NUL copied and counted
  ret
3:sub   a0, a2, a4
  addi  a0, a0, 1                // no NUL: limit + 1
  ret
copy_string_faulted:
  li    t0, 1
  sd    t0, (a3)
  sub   a0, a0, a4
  ret
  fixup copy_string_access, copy_string_access_end, copy_string_faulted
