// SPDX-License-Identifier: MIT
// Bulk memory operations. QEMU counts instructions and cores count issue slots: both want few per byte, so the
// loops are unrolled to 256 bytes, for whole pages further. Also the two user copies, which are the same loops with
// fix-up entries.

  .text

// A fault at an instruction in [from, to) continues at `then` (fixup.cpp reads the table).
  .macro fixup from, to, then
  .pushsection .fixup_table, "a"
  .balign 8
  .dword \from, \to, \then
  .popsection
  .endm

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
  .macro copy_256 at
  copy_64 \at
  copy_64 \at+64
  copy_64 \at+128
  copy_64 \at+192
  .endm

// lib_copy_page(to, from)
  .globl lib_copy_page
  .balign 4
lib_copy_page:
  li    a2, 4096
  add   a2, a2, a0
1:copy_256 0
  copy_256 256
  addi  a0, a0, 512
  addi  a1, a1, 512
  bne   a0, a2, 1b
  ret

// The forward copy: to a0, from a1, count a2. Stores are aligned; loads are where the source happens to lie: every hart
// of the RVA profiles does misaligned loads from memory (Zicclsm), and putting words together from two aligned loads
// would cost more than twice as much. Leaves through `copied` with everything done. a0 and a1 move only after the
// accesses of a round, so that a fault in a round leaves them at its beginning; a2 is the end of the destination, so
// what is missing is always a2 - a0. Uses a3 to a7 and t0 to t6.
  .macro copy_forward name
  mv    a4, a2
  add   a2, a2, a0
  li    a5, 8
  bltu  a4, a5, \name\()_bytes   // few: not worth aligning
  andi  a3, a0, 7
  beqz  a3, \name\()_words
  li    a5, 16
  bltu  a4, a5, \name\()_bytes
  li    a4, 8                    // bytes up to a word's border of the destination
  sub   a4, a4, a3
  add   a4, a4, a0
\name\()_head:
1:lb    t0, 0(a1)
  sb    t0, 0(a0)
  addi  a1, a1, 1
  addi  a0, a0, 1
  bne   a0, a4, 1b
\name\()_words:
  addi  a3, a2, -255             // last place where 256 bytes are left, plus 1
  bgeu  a0, a3, 5f
  addi  a4, a2, -511             // and 512
  bgeu  a0, a4, 4f
3:copy_256 0
  copy_256 256
  addi  a0, a0, 512
  addi  a1, a1, 512
  bltu  a0, a4, 3b
  bgeu  a0, a3, 5f
4:copy_256 0
  addi  a0, a0, 256
  addi  a1, a1, 256
5:addi  a3, a2, -31
  bgeu  a0, a3, 7f
6:ld    t0, 0(a1)
  ld    t1, 8(a1)
  ld    t2, 16(a1)
  ld    t3, 24(a1)
  sd    t0, 0(a0)
  sd    t1, 8(a0)
  sd    t2, 16(a0)
  sd    t3, 24(a0)
  addi  a0, a0, 32
  addi  a1, a1, 32
  bltu  a0, a3, 6b
7:addi  a3, a2, -7
  bgeu  a0, a3, \name\()_bytes
8:ld    t0, 0(a1)
  sd    t0, 0(a0)
  addi  a0, a0, 8
  addi  a1, a1, 8
  bltu  a0, a3, 8b
\name\()_words_end:
\name\()_bytes:
  bgeu  a0, a2, \name\()_copied
\name\()_each_byte:
9:lb    t0, 0(a1)
  sb    t0, 0(a0)
  addi  a0, a0, 1
  addi  a1, a1, 1
  bltu  a0, a2, 9b
\name\()_each_byte_end:
\name\()_copied:
  .endm

// memcpy(to, from, count)
  .globl memcpy
  .balign 4
memcpy:
  mv    a6, a0
  copy_forward memcpy
  mv    a0, a6
  ret
  fixup memcpy_words, memcpy_words_end, memcpy_bytes   // a hart without misaligned loads goes on byte by byte

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

// arch_copy_user(to, from, count): what memcpy does, and how many bytes are missing. A fault inside a round sends the
// rest to the byte loop, which faults again at the very byte.
  .globl arch_copy_user
  .balign 4
arch_copy_user:
  copy_forward copy_user
  sub   a0, a2, a0
  ret
  fixup copy_user_head, copy_user_words, copy_user_copied
  fixup copy_user_words, copy_user_words_end, copy_user_bytes
  fixup copy_user_each_byte, copy_user_each_byte_end, copy_user_copied

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

// arch_probe_byte(address), arch_probe_word(address): what a load there gives, all ones if the load faults.
  .globl arch_probe_byte
  .balign 4
arch_probe_byte:
probe_byte_access:
  lbu   a0, 0(a0)
probe_byte_access_end:
  ret
  .globl arch_probe_word
  .balign 4
arch_probe_word:
probe_word_access:
  lwu   a0, 0(a0)
probe_word_access_end:
  ret
// arch_probe_store_byte(address, value), arch_probe_store_word: 0, all ones if the store faults. The fence has a fault
// that the bus reports late arrive here.
  .globl arch_probe_store_byte
  .balign 4
arch_probe_store_byte:
probe_store_byte_access:
  sb    a1, 0(a0)
  fence iorw, iorw
probe_store_byte_access_end:
  li    a0, 0
  ret
  .globl arch_probe_store_word
  .balign 4
arch_probe_store_word:
probe_store_word_access:
  sw    a1, 0(a0)
  fence iorw, iorw
probe_store_word_access_end:
  li    a0, 0
  ret
probe_faulted:
  li    a0, -1
  ret
  fixup probe_byte_access, probe_byte_access_end, probe_faulted
  fixup probe_word_access, probe_word_access_end, probe_faulted
  fixup probe_store_byte_access, probe_store_byte_access_end, probe_faulted
  fixup probe_store_word_access, probe_store_word_access_end, probe_faulted
