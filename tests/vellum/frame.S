// The frame around random code: enters it in a random privilege under a random satp, logs each trap, goes on behind
// it, and leaves everything that can be compared in memory. See random_program.py for the layout.

#define CODE      0x80010000
#define DATA      0x80400000
#define TABLES    0x80600000
#define LOG       0x80800000
#define LOG_MASK  0x3fffe0        /* 128 Ki entries of 32 bytes */
#define RESULT    0x80700000
#define FINISHER  0x100000
#define ALIAS     0x40000000      /* user mode sees memory this much higher */
#define PMP       0               /* from PARAMETERS on: see Program.protection() and start() */
#define START     144
#define PARAMETERS (DATA + 8 * 300)

// The save area: x1 to x31 at 8 n, then these.
#define LOG_AT    264
#define HASH      272
#define LEFT      280
#define SEED      288
#define CODE_END  296
#define TRAPS     304

  .globl _start
_start:
  csrr  t0, mhartid
  beqz  t0, 2f
1:wfi                             // no interrupt is enabled: for ever
  j     1b
2:
  li    a0, DATA
  li    a1, PARAMETERS
  lla   t0, trap
  csrw  mtvec, t0
  lla   t0, supervisor_vector
  csrw  stvec, t0
  .set  index, 0
  .rept 16
  ld    t0, PMP + 16 + 8 * index(a1)
  csrw  0x3b0 + index, t0
  .set  index, index + 1
  .endr
  ld    t0, PMP(a1)
  ld    t1, PMP + 8(a1)
  csrw  0x3a2, t1
  csrw  0x3a0, t0
  li    t0, 7
  csrw  mcounteren, t0
  csrw  scounteren, t0
  ld    t0, START(a1)
  csrw  medeleg, t0
  ld    t0, START + 8(a1)
  csrw  mideleg, t0
  li    sp, RESULT
  li    t0, LOG
  sd    t0, LOG_AT(sp)
  sd    zero, HASH(sp)
  ld    t0, START + 16(a1)
  sd    t0, LEFT(sp)
  ld    t0, START + 24(a1)
  sd    t0, CODE_END(sp)
  ld    t0, START + 32(a1)
  sd    t0, SEED(sp)
  li    t0, 0
  csrw  satp, t0
  csrw  sscratch, t0
  csrw  sepc, t0
  csrw  scause, t0
  csrw  stval, t0
  csrw  mtval, t0
  // All registers begin with words of the data.
  .set  index, 1
  .rept 31
  ld    t0, 8 * index + 1024(a0)
  sd    t0, 8 * index(sp)
  .set  index, index + 1
  .endr
  sd    a0, 24(sp)
  sd    a0, 40(sp)
  li    t0, CODE
  csrw  mepc, t0
  sd    t0, 248(sp)
  li    s0, CODE
  j     begin_iteration

  .balign 4
supervisor_vector:
  ecall                           // whatever was delegated: M-mode has a look

  .balign 4
trap:
  csrw  mscratch, sp
  lui   sp, 0x20                  // MPRV must be off before memory is touched
  csrc  mstatus, sp
  li    sp, RESULT
  sd    x1, 8(sp)
  .altmacro
  .macro save number
  sd    x\number, 8 * \number(sp)
  .endm
  .macro restore number
  ld    x\number, 8 * \number(sp)
  .endm
  .irp  number, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  save  \number
  .endr
  csrr  t0, mscratch
  sd    t0, 16(sp)

  // s0 = pc to go on at, s1 = cause, s2 = value
  csrr  s0, mepc
  csrr  s1, mcause
  csrr  s2, mtval
  csrr  s3, mstatus
  li    s6, 0                     // delegated?
  lla   t0, supervisor_vector
  bne   s0, t0, 1f
  li    t1, 9
  bne   s1, t1, 1f
  li    s6, 1
  csrr  s0, sepc                  // the trap that S-mode was given
  csrr  s1, scause
  csrr  s2, stval
  li    t1, 3 << 11               // and back to where that came from
  csrc  mstatus, t1
  srli  t1, s3, 8
  andi  t1, t1, 1
  slli  t1, t1, 11
  csrs  mstatus, t1
  csrr  s3, mstatus
1:
  // An AMO that may not be done is a store's fault; QEMU 7.2 calls it a load's when the page can't be read.
  li    t1, CODE
  li    t2, CODE + 0x10000
  mv    t3, s0
  li    t4, 0xc0000000
  bltu  t3, t4, 7f
  li    t4, ALIAS
  sub   t3, t3, t4
7:bltu  t3, t1, 6f
  bgeu  t3, t2, 6f
  lhu   t1, 0(t3)
  andi  t1, t1, 0x7f
  li    t2, 0x2f
  bne   t1, t2, 6f
  li    t1, 13
  bne   s1, t1, 7f
  li    s1, 15
7:li    t1, 5
  bne   s1, t1, 6f
  li    s1, 7
6:
  // Where a misaligned access to no memory fails first is QEMU's own affair.
  li    t0, 5
  beq   s1, t0, 8f
  li    t0, 7
  bne   s1, t0, 9f
8:andi  s2, s2, -8
9:
  // The program may read cause and value later: what is not compared must be gone from there too.
  bnez  s6, 1f
  csrw  mcause, s1
  csrw  mtval, s2
  j     2f
1:csrw  scause, s1
  csrw  stval, s2
2:
  // Into the log, and into the hash, which remembers what the log has forgotten.
  ld    t0, LOG_AT(sp)
  sd    s0, 0(t0)
  sd    s1, 8(t0)
  sd    s2, 16(t0)
  sd    s3, 24(t0)
  addi  t0, t0, 32
  li    t1, LOG
  sub   t0, t0, t1
  li    t2, LOG_MASK
  and   t0, t0, t2
  add   t0, t0, t1
  sd    t0, LOG_AT(sp)
  ld    t0, HASH(sp)
  li    t1, 0x9e3779b97f4a7c15
  .irp  part, s0, s1, s2, s3
  xor   t0, t0, \part
  mul   t0, t0, t1
  srli  t2, t0, 29
  xor   t0, t0, t2
  .endr
  sd    t0, HASH(sp)

  // pc and the two registers with addresses of the program, without the alias.
  li    t3, 0xc0000000
  li    t4, ALIAS
  .macro strip reg
  sub   t5, \reg, t3
  srli  t5, t5, 28
  bnez  t5, 2f
  sub   \reg, \reg, t4
2:
  .endm
  strip s0
  ld    s4, 248(sp)               // x31: the block
  strip s4
  ld    s5, 24(sp)                // x3: the data
  strip s5

  // An iteration that traps for ever is given up.
  ld    t0, TRAPS(sp)
  addi  t0, t0, 1
  sd    t0, TRAPS(sp)
  li    t1, 1000
  bgtu  t0, t1, iteration_done
  bltz  s1, interrupted
  li    t0, 12
  beq   s1, t0, lost
  li    t0, 1
  bleu  s1, t0, lost
  li    t0, CODE
  bltu  s0, t0, lost
  ld    t1, CODE_END(sp)
  bgeu  s0, t1, lost
  lhu   t0, 0(s0)
  andi  t1, t0, 3
  addi  t1, t1, -3
  addi  s6, s0, 2
  bnez  t1, 3f
  addi  s6, s0, 4
3:li    t0, 3
  bne   s1, t0, 4f
  lhu   t0, -4(s0)
  lhu   t1, -2(s0)
  slli  t1, t1, 16
  or    t0, t0, t1
  li    t1, 0x7ff00013
  beq   t0, t1, iteration_done
4:mv    s0, s6
  addi  t0, s1, -8
  sltiu t0, t0, 4
  bnez  t0, another_regime        // a call
  j     go_on

interrupted:
  csrci mip, 2
  j     go_on

lost:
  andi  t0, s4, -256
  addi  s0, t0, 256
  ld    t1, CODE_END(sp)
  li    t2, CODE
  bltu  s0, t2, iteration_done
  bgeu  s0, t1, iteration_done
  mv    s4, s0
  j     go_on

iteration_done:
  sd    zero, TRAPS(sp)
  ld    t0, LEFT(sp)
  addi  t0, t0, -1
  sd    t0, LEFT(sp)
  beqz  t0, finish
begin_iteration:
  li    s0, CODE
  li    s4, CODE
  li    s5, DATA

another_regime:
  ld    t0, SEED(sp)
  li    t1, 6364136223846793005
  mul   t0, t0, t1
  li    t1, 1442695040888963407
  add   t0, t0, t1
  sd    t0, SEED(sp)
  srli  t1, t0, 33
  andi  t1, t1, 3                 // the new privilege: U, S, M or M
  li    t2, 2
  bne   t1, t2, 5f
  li    t1, 3
5:li    t2, 3 << 11
  csrc  mstatus, t2
  slli  t1, t1, 11
  csrs  mstatus, t1
  srli  t1, t0, 40
  andi  t1, t1, 3                 // Bare, Sv39, Sv48, Sv57
  li    t2, 0
  beqz  t1, 6f
  li    t2, TABLES >> 12
  addi  t3, t1, -1
  add   t2, t2, t3
  addi  t1, t1, 7
  slli  t1, t1, 60
  or    t2, t2, t1
  srli  t3, t0, 50
  andi  t3, t3, 7
  slli  t3, t3, 44
  or    t2, t2, t3
6:csrw  satp, t2
  sfence.vma

go_on:
  // The alias, where user mode is translated.
  csrr  t0, mstatus
  srli  t0, t0, 11
  andi  t0, t0, 3
  bnez  t0, 7f
  csrr  t0, satp
  srli  t0, t0, 60
  beqz  t0, 7f
  li    t0, ALIAS
  add   s0, s0, t0
  add   s4, s4, t0
  add   s5, s5, t0
7:csrw  mepc, s0
  sd    s4, 248(sp)
  sd    s5, 24(sp)
  .irp  number, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  restore \number
  .endr
  ld    sp, 16(sp)
  mret

finish:
  csrr  t0, mstatus
  sd    t0, 512(sp)
  csrr  t0, mip
  sd    t0, 520(sp)
  csrr  t0, mie
  sd    t0, 528(sp)
  csrr  t0, sepc
  sd    t0, 536(sp)
  csrr  t0, scause
  sd    t0, 544(sp)
  csrr  t0, stval
  sd    t0, 552(sp)
  csrr  t0, sscratch
  sd    t0, 560(sp)
  csrr  t0, satp
  sd    t0, 568(sp)
  csrr  t0, medeleg
  sd    t0, 576(sp)
  li    t0, FINISHER
  li    t1, 0x5555
  sw    t1, 0(t0)
8:j     8b
