// SPDX-License-Identifier: MIT
// A small kernel in xv6's shape, healthy as it stands, for seeded faults: faults.py edits a line or two of it, and
// Vellum has to say what became wrong and where. Two harts; tables of three levels; address spaces with their numbers;
// copying, unmapping, sharing until a write; code that is stored and run; a lock and a flag between harts.

typedef unsigned long u64;
typedef volatile u64 *words;

enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128, page = 4096, large_page = page * 512 };
#define DATA (V | R | W | A | D)
#define ENTRY(address, bits) ((u64)(address) >> 12 << 10 | (bits))
#define FRAME(entry) ((u64)(entry) >> 10 << 12)
#define HEAP 0x40000000ul
#define SHARED 0x50000000ul
#define LARGE 0x60000000ul

#define fence_all() asm volatile("sfence.vma" ::: "memory")
#define fence_space(number) asm volatile("sfence.vma x0, %0" ::"r"((u64)(number)) : "memory")
#define fence_page(va, number) asm volatile("sfence.vma %0, %1" ::"r"((u64)(va)), "r"((u64)(number)) : "memory")
#define fence_code() asm volatile("fence.i" ::: "memory")

extern char frames[], frames_end[];
struct space {
  u64 *root;
  u64 number;
};
static struct space first, second;
struct cpu {
  u64 id;
};
struct spinlock {
  volatile unsigned locked;
  const char *name;
  struct cpu *cpu;  // that holds it
};
static struct cpu cpus[2];
static struct spinlock lock = {0, "kmem", 0}, other_lock = {0, "other", 0};
static volatile int task, done_task;
static volatile u64 task_value;

asm(".section .text.entry\n"
    ".global _entry\n"
    "_entry: csrr tp, mhartid\n"
    "   la sp, stacks\n"
    "   addi t0, tp, 1\n"
    "   slli t0, t0, 13\n"
    "   add sp, sp, t0\n"
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
    "   beqz tp, 1f\n"
    "   la t0, second_hart\n"
    "1: csrw mepc, t0\n"
    "   li ra, 0\n"
    "   mret\n"
    "   .balign 4\n"
    "skip: csrr t0, sepc\n"  // of look() and put(), whose instructions are four bytes long and need nothing in t0
    "   addi t0, t0, 4\n"
    "   csrw sepc, t0\n"
    "   sret\n"
    ".section .bss\n"
    "   .balign 4096\n"
    "stacks: .zero 16384\n"
    "frames: .zero 262144\n"
    "frames_end:\n"
    ".text\n");

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

__attribute__((noinline)) void acquire(struct spinlock *taken) {
  u64 hart;
  asm volatile("mv %0, tp" : "=r"(hart));
  while (__atomic_exchange_n(&taken->locked, 1, __ATOMIC_ACQUIRE)) {
  }
  taken->cpu = &cpus[hart];
}
__attribute__((noinline)) void release(struct spinlock *taken) {
  taken->cpu = 0;
  __atomic_store_n(&taken->locked, 0, __ATOMIC_RELEASE);
}

static u64 *free_list;

static void fill(void *frame, u64 with) {
  for (int i = 0; i < 512; i++) ((words)frame)[i] = with;
}

__attribute__((noinline)) void kfree(void *frame) {
  acquire(&lock);
  fill(frame, 0x0101010101010101);
  *(u64 **)frame = free_list;
  free_list = frame;
  release(&lock);
}

__attribute__((noinline)) void *kalloc(void) {
  acquire(&lock);
  u64 *frame = free_list;
  if (!frame) panic("no frames");
  free_list = *(u64 **)frame;
  fill(frame, 0x0505050505050505);
  release(&lock);
  return frame;
}

__attribute__((noinline)) u64 look(u64 at) {
  u64 value = 0;
  asm volatile(".option push\n.option norvc\nld %0, 0(%1)\n.option pop" : "+r"(value) : "r"(at) : "t0", "memory");
  return value;
}
__attribute__((noinline)) void put(u64 at, u64 value) {
  asm volatile(".option push\n.option norvc\nsd %0, 0(%1)\n.option pop" ::"r"(value), "r"(at) : "t0", "memory");
}

__attribute__((noinline)) u64 *walk(u64 *table, u64 va) {
  for (int level = 2; level > 0; level--) {
    u64 *entry = &table[va >> (12 + 9 * level) & 511];
    if (!(*entry & V)) {
      u64 *lower = kalloc();
      fill(lower, 0);
      *entry = ENTRY(lower, V);
    }
    table = (u64 *)FRAME(*entry);
  }
  return &table[va >> 12 & 511];
}

__attribute__((noinline)) void map(struct space *space, u64 va, void *frame, u64 bits) {
  *walk(space->root, va) = ENTRY(frame, bits);
}

__attribute__((noinline)) void unmap(struct space *space, u64 va) {
  u64 *entry = walk(space->root, va);
  void *frame = (void *)FRAME(*entry);
  *entry = 0;
  fence_page(va, space->number);
  kfree(frame);
}

__attribute__((noinline)) void free_tables(u64 *table, int level) {
  for (int i = 0; i < 512; i++) {
    if (level > 0 && (table[i] & (V | R | W | X)) == V) free_tables((u64 *)FRAME(table[i]), level - 1);
    table[i] = 0;
  }
  kfree(table);
}

__attribute__((noinline)) void make_space(struct space *space, u64 number) {
  space->root = kalloc();
  fill(space->root, 0);
  space->number = number;
  space->root[0] = ENTRY(0, DATA | G);
  space->root[2] = ENTRY(0x80000000, DATA | X | G);
}

__attribute__((noinline)) void enter(struct space *space) {
  asm volatile("csrw satp, %0" ::"r"(8ul << 60 | space->number << 44 | (u64)space->root >> 12) : "memory");
}

__attribute__((noinline)) void replace_page(struct space *space) {
  void *old = (void *)FRAME(*walk(space->root, HEAP));
  map(space, HEAP, kalloc(), DATA);
  fence_page(HEAP, space->number);
  put(HEAP, 7);
  kfree(old);
}

__attribute__((noinline)) void protect_page(struct space *space) {
  *walk(space->root, HEAP) &= ~(u64)W;
  fence_page(HEAP, space->number);
  put(HEAP + 8, 1);
  *walk(space->root, HEAP) |= W;
  fence_page(HEAP, space->number);
}

__attribute__((noinline)) void move_table(struct space *space) {
  u64 *middle = (u64 *)FRAME(space->root[HEAP >> 30]);
  u64 *old = (u64 *)FRAME(middle[0]), *lower = kalloc();
  fill(lower, 0);
  lower[0] = ENTRY(kalloc(), DATA);
  middle[0] = ENTRY(lower, V);
  fence_space(space->number);
  put(HEAP, 9);
  kfree((void *)FRAME(old[0]));
  kfree(old);
}

__attribute__((noinline)) void split_large_page(struct space *space) {
  u64 *middle = (u64 *)FRAME(space->root[HEAP >> 30]), *entry = &middle[(LARGE - HEAP) / large_page];
  *entry = ENTRY(0x80200000, DATA);
  fence_all();
  put(LARGE, 1);
  u64 *lower = kalloc();
  fill(lower, 0);
  lower[0] = ENTRY(kalloc(), DATA);
  *entry = ENTRY(lower, V);
  fence_space(space->number);
  put(LARGE, 2);
  kfree((void *)FRAME(lower[0]));
  lower[0] = 0;
  *entry = 0;
  fence_space(space->number);
  kfree(lower);
}

// Two spaces share a page until one writes.
__attribute__((noinline)) void copy_at_write(void) {
  void *frame = kalloc();
  map(&first, SHARED, frame, DATA & ~W);
  map(&second, SHARED, frame, DATA & ~W);
  fence_page(SHARED, first.number);
  (void)look(SHARED);
  words copy = kalloc();
  for (int i = 0; i < 512; i++) copy[i] = ((words)frame)[i];
  map(&first, SHARED, (void *)copy, DATA);
  fence_page(SHARED, first.number);
  put(SHARED, 3);
  (void)look(SHARED);
  enter(&second);
  fence_space(second.number);
  (void)look(SHARED);
  unmap(&second, SHARED);
  enter(&first);
  unmap(&first, SHARED);
}

// The number of a space that is gone is given to the next.
__attribute__((noinline)) void reuse_number(void) {
  struct space third;
  make_space(&third, second.number);
  map(&third, HEAP, kalloc(), DATA);
  enter(&third);
  fence_space(third.number);
  put(HEAP, 4);
  unmap(&third, HEAP);
  enter(&first);
  free_tables(third.root, 2);
}

__attribute__((noinline)) void change_global(struct space *space) {
  map(space, HEAP + page, kalloc(), DATA | G);
  fence_all();
  put(HEAP + page, 5);
  void *old = (void *)FRAME(*walk(space->root, HEAP + page));
  map(space, HEAP + page, kalloc(), DATA | G);
  fence_all();
  put(HEAP + page, 6);
  kfree(old);
}

static unsigned instructions[1024] __attribute__((aligned(4096)));
__attribute__((noinline)) void make_code(unsigned immediate) {
  *(words)instructions = 0x8067ul << 32 | immediate << 20 | 0x513;
  fence_code();
  asm volatile("jalr %0" ::"r"(instructions) : "ra", "a0", "memory");
}

__attribute__((noinline)) void use_frames(void) {
  words one = kalloc(), two = kalloc();
  one[3] = 1;
  two[3] = one[3];
  kfree((void *)one);
  two[4] = 2;
  kfree((void *)two);
}

// The other hart does what it is told, one thing after the other.
__attribute__((noinline)) void tell(int what) {
  int before = done_task;
  task = what;
  while (done_task == before) {
  }
}
enum { nothing, look_at_heap, run_code, take_lock };

__attribute__((noinline)) void do_task(int what) {
  if (what == look_at_heap) {
    fence_all();
    task_value = look(HEAP);
  }
  if (what == run_code) {
    fence_code();
    asm volatile("jalr %0" ::"r"(instructions) : "ra", "a0", "memory");
  }
  if (what == take_lock) {
    acquire(&other_lock);
    acquire(&lock);
    release(&lock);
    release(&other_lock);
  }
}

void second_hart(void) {
  while (!task) {
  }
  enter(&first);
  fence_all();
  for (;;) {
    int what = task;
    if (!what) continue;
    do_task(what);
    task = nothing;
    done_task++;
  }
}

__attribute__((noinline)) void work_together(void) {
  tell(look_at_heap);
  void *old = (void *)FRAME(*walk(first.root, HEAP));
  map(&first, HEAP, kalloc(), DATA);
  fence_page(HEAP, first.number);
  tell(look_at_heap);
  kfree(old);
  make_code(3);
  tell(run_code);
  make_code(4);
  tell(run_code);
  tell(take_lock);
}

void kernel_main(void) {
  for (char *frame = frames; frame < frames_end; frame += page) kfree(frame);
  make_space(&first, 1);
  make_space(&second, 2);
  map(&first, HEAP, kalloc(), DATA);
  map(&second, HEAP, kalloc(), DATA);
  enter(&first);
  fence_all();
  put(HEAP, 1);
  enter(&second);
  fence_all();
  put(HEAP, 2);
  enter(&first);
  (void)look(HEAP);
  replace_page(&first);
  protect_page(&first);
  move_table(&first);
  split_large_page(&first);
  copy_at_write();
  reuse_number();
  change_global(&first);
  make_code(1);
  make_code(2);
  use_frames();
  work_together();
  print("done\n");
  *(volatile unsigned *)0x100000 = 0x5555;
}
