# Boot and trap entry of the minimal guest. Every hart arrives here in machine mode with its number in a0.

.section .text.entry
.global _entry
_entry:
    csrr    a0, mhartid
    la      sp, boot_stacks
    addi    t0, a0, 1
    slli    t0, t0, 12
    add     sp, sp, t0

    li      t0, -1                  # physical memory protection: all of it, read, write and execute
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    li      t0, 0xffff              # every exception is the supervisor's
    csrw    medeleg, t0
    li      t0, 0x1800              # mstatus.MPP = supervisor
    csrc    mstatus, t0
    li      t0, 0x0800
    csrs    mstatus, t0
    la      t0, guest_main
    csrw    mepc, t0
    csrw    satp, zero
    bnez    a0, 2f
    la      t0, bss_begin           # RAM may hold what an earlier run left: QEMU's shared file keeps it
    la      t1, image_end
1:  sd      zero, 0(t0)
    addi    t0, t0, 8
    bltu    t0, t1, 1b
2:  mret

# A user trap saves x1..x31 and sepc in the register block that sscratch names, then runs on this hart's boot stack.
.section .text
.balign 4
.global user_trap_entry
user_trap_entry:
    csrrw   a0, sscratch, a0
    .irp    r, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\r, \r*8(a0)
    .endr
    csrr    t0, sscratch
    sd      t0, 10*8(a0)
    csrr    t0, sepc
    sd      t0, 0(a0)
    ld      sp, 32*8(a0)            # the hart's stack top, stored by enter_user
    tail    user_trap

# enter_user(registers, stack_top): loads a user register block and goes to user mode.
.global enter_user
enter_user:
    sd      a1, 32*8(a0)
    csrw    sscratch, a0
    ld      t0, 0(a0)
    csrw    sepc, t0
    .irp    r, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\r, \r*8(a0)
    .endr
    ld      a0, 10*8(a0)
    sret

# The one page of user code, shared by all tasks. a0 = first page to write, a1 = how many; then one ecall; for ever.
.section .user_code, "ax"
.balign 4096
.global user_code
user_code:
    li      t0, 0x50000000
1:  mv      t1, t0
    mv      t2, a1
2:  sd      t2, 0(t1)
    li      t3, 4096
    add     t1, t1, t3
    addi    t2, t2, -1
    bnez    t2, 2b
    ecall
    j       1b
.balign 4096

.section .bss
.balign 4096
.global boot_stacks
boot_stacks: .skip 4096 * 9
