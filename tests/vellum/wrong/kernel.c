// A small kernel for Vellum's judges. Compiled without FAULT it does everything right; with FAULT=NAME it leaves out
// or adds one thing. Comments `here: RULE` and `cause: RULE` mark the lines that the judge of that rule must name.

typedef unsigned long u64;
typedef volatile u64 *words;

#define IS(name) (FAULT == name)
enum { none, fence, satp, code, use, device_use, walk, twice, reserved, superpage, panics, deadlock, sleeps };
enum { cycle = 100, global_user, upper_user, write_execute, outside, uncleared, junk, lost };
#ifndef FAULT
#define FAULT none
#endif

enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128, page = 4096 };
#define LEAF (V | R | W | A | D)
#define ENTRY(address, bits) ((u64)(address) >> 12 << 10 | (bits))
#define ROOT(table) (8ul << 60 | (u64)(table) >> 12)
#define FAR ((words)0x40000000)

extern char frames[], frames_end[], user_code[];
static u64 root[512] __attribute__((aligned(4096))), other_root[512] __attribute__((aligned(4096)));
static u64 middle[512] __attribute__((aligned(4096))), other_middle[512] __attribute__((aligned(4096)));
static u64 low[512] __attribute__((aligned(4096))), other_low[512] __attribute__((aligned(4096)));
static unsigned instructions[1024] __attribute__((aligned(4096)));

// As in xv6: a lock says who holds it.
struct cpu {
  u64 interrupts, id;
};
struct spinlock {
  volatile unsigned locked;
  const char *name;
  struct cpu *cpu;
};
static struct cpu cpus[1];
static struct spinlock lock = {0, "kmem", 0};

asm(".section .text.entry\n"
    ".global _entry\n"
    "_entry: csrr t0, mhartid\n"
    "1: beqz t0, 2f\n"
    "   wfi\n"
    "   j 1b\n"
    "2: la sp, stack_end\n"
    "   li s0, 0\n"
    "   li t0, -1\n"
    "   csrw pmpaddr0, t0\n"
    "   li t0, 0x1f\n"
    "   csrw pmpcfg0, t0\n"
    "   li t0, 0xffff\n"
    "   csrw medeleg, t0\n"
    "   li t0, 0x1800\n"
    "   csrc mstatus, t0\n"
    "   li t0, 0x800\n"
    "   csrs mstatus, t0\n"
    "   la t0, skip\n"
    "   csrw stvec, t0\n"
    "   la t0, kernel_main\n"
    "   csrw mepc, t0\n"
    "   li ra, 0\n"
    "   mret\n"
    "   .balign 4\n"
    "skip: csrr t0, sepc\n"  // only of look(), whose load is four bytes long and loses nothing in t0
    "   addi t0, t0, 4\n"
    "   csrw sepc, t0\n"
    "   sret\n"
    ".section .bss\n"
    "   .balign 4096\n"
    "   .zero 4096\n"
    "stack_end:\n"
    "   .balign 4096\n"
    "frames: .zero 65536\n"
    "frames_end:\n"
    ".text\n"
    "   .balign 4096\n"
    "user_code: ld a0, 0(a0)\n"
    "   ecall\n"
    "   .balign 4096\n");

static void print(const char *text) {
  while (*text) *(volatile char *)0x10000000 = *text++;
}

__attribute__((noinline)) void panic(const char *why) {
  print("panic: ");
  print(why);
  print("\n");
  for (;;) {
  }
}

// Processes and locks like xv6's, for who sleeps on what.
struct sleeplock {
  unsigned locked;
  struct spinlock lk;
  const char *name;
  int pid;
};
enum procstate { UNUSED, USED, SLEEPING, RUNNABLE };
struct proc {
  enum procstate state;
  void *chan;
  int pid;
  char name[16];
} proc[4];
struct {
  int count;
  struct sleeplock of_buffer[2];
} cache = {.of_buffer = {{1, .name = "buffer", .pid = 2}, {1, .name = "buffer", .pid = 1}}};
unsigned ticks;

__attribute__((noinline)) void acquiresleep(struct sleeplock *taken) {
  if (!taken->locked) taken->locked = 1;
}

__attribute__((noinline)) void go_to_sleep(void) {
  proc[0] = (struct proc){SLEEPING, &proc[0], 5, "init"};
  proc[1] = (struct proc){SLEEPING, &cache.of_buffer[0], 1, "first"};
  proc[2] = (struct proc){SLEEPING, &cache.of_buffer[1], 2, "second"};
  proc[3] = (struct proc){SLEEPING, &ticks, 3, "third"};
  acquiresleep(&cache.of_buffer[0]);
  asm volatile("wfi");  // asleep
}

__attribute__((noinline)) void acquire(struct spinlock *taken) {
  while (__atomic_exchange_n(&taken->locked, 1, __ATOMIC_ACQUIRE)) {  // here: hang
  }
  taken->cpu = &cpus[0];
}

// The allocator: a list through the free frames, as xv6 has it.
static u64 *free_list;

__attribute__((noinline)) void kfree(void *frame) {
  u64 *list = frame;
  list[1] = 0x0101010101010101;
  list[0] = (u64)free_list;
  free_list = list;
}

__attribute__((noinline)) void *kalloc(void) {
  u64 *frame = free_list;
  free_list = (u64 *)frame[0];
  frame[0] = frame[1] = 0x0505050505050505;
  return frame;
}

__attribute__((noinline)) u64 look(words at) {
  u64 value;
  asm volatile(".option push\n.option norvc\nld %0, 0(%1)\n.option pop" : "=r"(value) : "r"(at) : "t0", "memory");
  return value;
}

// Macros, so that the line is that of their use.
#define fence_all() asm volatile("sfence.vma" ::: "memory")
#define use_tables(table) asm volatile("csrw satp, %0" ::"r"(ROOT(table)) : "memory")

__attribute__((noinline)) void change_mapping(void *to) {
  low[0] = ENTRY(to, LEAF);  // cause: stale-translation
  if (!IS(fence)) fence_all();
  (void)*FAR;  // here: stale-translation
}

__attribute__((noinline)) void change_tables(void) {
  use_tables(other_root);  // cause: stale-after-satp
  if (!IS(satp)) fence_all();
  (void)FAR[1];  // here: stale-after-satp
  use_tables(root);
  fence_all();
}

__attribute__((noinline)) void make_code(unsigned immediate) {
  words at = (words)instructions;
  *at = 0x8067ul << 32 | immediate << 20 | 0x513;  // cause: stale-code
  if (!IS(code)) asm volatile("fence.i" ::: "memory");
  asm volatile("jalr %0" ::"r"(at) : "ra", "a0", "memory");
}

__attribute__((noinline)) void use_frames(void) {
  words frame = kalloc();
  frame[2] = 1;
  kfree((void *)frame);  // cause: frames
  if (IS(use)) frame[2] = 2;  // here: use-after-free
  if (IS(twice)) kfree((void *)frame);  // here: double-free
  if (IS(walk)) {
    middle[1] = ENTRY(frame, V);
    fence_all();
    (void)look(FAR + 0x200000 / 8);
    middle[1] = 0;
    fence_all();
  }
}

// A disk that writes into a frame that was given back: virtio-blk, interface 2, one request.
__attribute__((noinline)) void read_disk(void) {
  volatile unsigned *disk = (volatile unsigned *)0x10001000;
  static char rings[3][page] __attribute__((aligned(4096)));
  words frame = kalloc();
  disk[0x70 / 4] = 0;
  disk[0x70 / 4] = 3;
  disk[0x24 / 4] = 1;
  disk[0x20 / 4] = 1;  // version 1, and nothing else
  disk[0x70 / 4] = 11;
  disk[0x30 / 4] = 0;
  disk[0x38 / 4] = 8;
  for (int i = 0; i < 3; i++) {
    disk[(0x80 + 16 * i) / 4] = (u64)rings[i];
    disk[(0x84 + 16 * i) / 4] = 0;
  }
  disk[0x44 / 4] = 1;
  disk[0x70 / 4] = 15;
  static struct {
    unsigned type, unused;
    u64 sector;
  } request;
  static volatile char status;
  struct {
    u64 at;
    unsigned bytes;
    unsigned short flags, next;
  } *chain = (void *)rings[0];
  chain[0].at = (u64)&request, chain[0].bytes = 16, chain[0].flags = 1, chain[0].next = 1;
  chain[1].at = (u64)frame, chain[1].bytes = 512, chain[1].flags = 3, chain[1].next = 2;
  chain[2].at = (u64)&status, chain[2].bytes = 1, chain[2].flags = 2;
  if (IS(device_use)) kfree((void *)frame);
  volatile unsigned short *available = (void *)rings[1], *used = (void *)rings[2];
  available[1] = 1;
  asm volatile("fence" ::: "memory");
  disk[0x50 / 4] = 0;
  while (used[1] == 0) {
  }
  if (!IS(device_use)) kfree((void *)frame);
}

__attribute__((noinline)) void break_entry(void) {
  if (IS(reserved)) low[2] = ENTRY(frames, V | W | A | D);  // cause: reserved-entry
  if (IS(superpage)) middle[2] = ENTRY(frames + page, LEAF);  // cause: misaligned-superpage
  fence_all();
  if (IS(reserved)) (void)look(FAR + 2 * page / 8);
  if (IS(superpage)) (void)look(FAR + 2 * 0x200000 / 8);
}

// What is wrong in tables is said at the store: nobody goes there.
__attribute__((noinline)) void spoil_tables(void) {
  if (IS(cycle)) middle[3] = ENTRY(middle, V);  // cause: table-cycle
  if (IS(global_user)) low[3] = ENTRY(frames, LEAF | U | G);  // cause: global-user-page
  if (IS(upper_user)) root[511] = ENTRY(0x80000000, LEAF | U);  // cause: user-in-kernel-half
  if (IS(write_execute)) low[3] = ENTRY(0x40003000, LEAF | X);  // cause: kernel-write-execute
  if (IS(outside)) low[3] = ENTRY(0x90000000, LEAF);  // cause: leaf-outside-ram
  fence_all();
}

__attribute__((noinline)) void link_table(void) {
  u64 *table = kalloc();  // cause: uncleared-table
  for (int i = 0; i < 512; i++) {
    if (!IS(uncleared)) ((words)table)[i] = 0;
  }
  middle[4] = ENTRY(table, V);  // here: uncleared-table
  fence_all();
  middle[4] = 0;
  fence_all();
  kfree(table);
}

// A program of two instructions: it reads a word and calls.
__attribute__((noinline)) void run_program(u64 pc, u64 address) {
  asm volatile(
      "li t0, 0x100\n"
      "csrc sstatus, t0\n"
      "csrw sepc, %0\n"
      "la t0, 1f\n"
      "csrw stvec, t0\n"
      "mv a0, %1\n"
      "sret\n"
      ".balign 4\n"
      "1: la t0, skip\n"
      "csrw stvec, t0\n" ::"r"(pc),
      "r"(address)
      : "a0", "t0", "memory");
}

__attribute__((noinline)) void read_as_user(void) {
  words frame = kalloc();  // cause: unwritten-memory
  for (int i = 0; i < 512; i++) {
    if (!IS(junk) || i == 7) frame[i] = 0;
  }
  low[4] = ENTRY(user_code, V | R | X | U | A | D);
  low[5] = ENTRY(frame, V | R | W | U | A | D);
  fence_all();
  run_program((u64)FAR + 4 * page, (u64)FAR + 5 * page);
  low[4] = low[5] = 0;
  fence_all();
  kfree((void *)frame);
}

__attribute__((noinline)) void lose_frame(void) {
  for (int i = 0; i < 2; i++) {
    u64 *frame = kalloc();  // cause: leak
    frame[2] = 3;
    if (!IS(lost)) kfree(frame);
  }
}

__attribute__((noinline)) void get_stuck(void) {
  if (IS(panics)) panic("as asked");  // here: panic
  acquire(&lock);
  if (IS(deadlock)) acquire(&lock);  // twice
  lock.locked = 0;
  if (IS(sleeps)) go_to_sleep();
}

void kernel_main(void) {
  root[0] = other_root[0] = ENTRY(0, LEAF);
  root[2] = other_root[2] = ENTRY(0x80000000, LEAF | X);
  root[1] = ENTRY(middle, V);
  other_root[1] = ENTRY(other_middle, V);
  middle[0] = ENTRY(low, V);
  other_middle[0] = ENTRY(other_low, V);
  for (char *frame = frames; frame < frames_end; frame += page) kfree(frame);
  void *mapped = kalloc();
  low[0] = ENTRY(mapped, LEAF);
  other_low[0] = ENTRY(kalloc(), LEAF);
  fence_all();
  use_tables(root);
  fence_all();
  (void)*FAR;
  change_mapping(kalloc());
  kfree(mapped);
  change_tables();
  make_code(1);
  make_code(2);
  use_frames();
  if (IS(device_use)) read_disk();
  break_entry();
  spoil_tables();
  link_table();
  read_as_user();
  lose_frame();
  get_stuck();
  print("done\n");
  *(volatile unsigned *)0x100000 = 0x5555;
}
