// A minimal Sv39 guest: not Bifolium, not xv6. It exists so that foliowalk can be proven on somebody else's kernel.
//
// 64 tasks live in one array. One has no page tables; every third is parked for ever; the others are spread over the
// harts, and each hart runs its own in turn. A task writes one page after another of its heap at 0x50000000 (each write
// faults once and gets a zeroed frame), then makes an ecall, at which the guest frees all those frames and the leaf
// tables too and goes on with the next task. So page tables are made, changed and freed all the time, by several harts,
// as fast as they can.

#ifdef MINIMAL_XV6_SHAPE
#include "tasks_xv6.hpp"
#define PARKED SLEEPING
#define READY RUNNABLE
#define ON_CPU RUNNING
#else
#include "tasks_own.hpp"
#define PARKED Phase::parked
#define READY Phase::ready
#define ON_CPU Phase::running
#endif

extern "C" {
extern char text_end[], image_end[], user_code[], boot_stacks[];
void user_trap_entry();
[[noreturn]] void enter_user(Word* registers, Word stack_top);
[[noreturn]] void guest_main(Word hart);
[[noreturn]] void user_trap();
}

#ifndef MINIMAL_XV6_SHAPE
Task tasks[task_count];
Word kernel_root;
#endif

#include "disk.hpp"

constexpr Word ram_begin = 0x8000'0000, ram_end = 0x8800'0000;
constexpr Word code_at = 0x4000'0000, heap_at = 0x5000'0000, big_at = 0x6000'0000;
constexpr int most_harts = 8, heap_pages = 48;
constexpr int without_tables = 62;  // a task that is still being made

// What happened so far; the explorer finds and shows such counters by their type.
struct Counters {
  Word demand_zero_faults, pages_freed, tables_freed, switches;
};
Counters counters[most_harts];

// Each hart owns a fixed slice of memory and a free list in it: no locks are needed.
Word free_list[most_harts];
Word pool_next[most_harts];
constexpr Word pool_begin = ram_begin + (Word{16} << 20), pool_size = Word{8} << 20;
constexpr Word big_begin = ram_begin + (Word{96} << 20);

Word running[most_harts];
// In .data: the other harts look at it before hart 0 has cleared .bss.
[[gnu::section(".data")]] volatile Word boot_finished = 0;

Word hart_number() {
  Word hart;
  asm volatile("mv %0, tp" : "=r"(hart));
  return hart;
}

void fence_all() { asm volatile("sfence.vma" ::: "memory"); }

void order_stores() { asm volatile("fence w, w" ::: "memory"); }

Word* allocate(Word hart) {
  Word frame = free_list[hart];
  if (frame) {
    free_list[hart] = *reinterpret_cast<Word*>(frame);
  } else {
    frame = pool_next[hart];
    pool_next[hart] += page;
  }
  Word* words = reinterpret_cast<Word*>(frame);
  for (Word i = 0; i < page / 8; ++i) words[i] = 0;
  order_stores();  // zeroes before the page becomes reachable
  return words;
}

// Freed frames are filled with junk that looks like page-table entries: a walker which follows a freed table is fooled
// unless it looks twice.
void release(Word hart, Word* words) {
  for (Word i = 1; i < page / 8; ++i) words[i] = 0x2000'00ff + (i << 10);
  words[0] = free_list[hart];
  free_list[hart] = reinterpret_cast<Word>(words);
}

Word index_of(Word address, int level) { return (address >> (12 + 9 * level)) & 511; }

Word table_entry(const Word* table) { return (reinterpret_cast<Word>(table) >> 12 << 10) | valid; }

Word* table_in(Word entry) { return reinterpret_cast<Word*>(entry >> 10 << 12); }

void map(Word hart, Word* root, Word address, Word physical, Word flags, int leaf_level) {
  Word* table = root;
  for (int level = 2; level > leaf_level; --level) {
    Word& entry = table[index_of(address, level)];
    if (!(entry & valid)) entry = table_entry(allocate(hart));
    table = table_in(entry);
  }
  table[index_of(address, leaf_level)] = (physical >> 12 << 10) | flags;
}

void map_kernel(Word* root) {
  map(0, root, 0x1000'0000, 0x1000'0000, read_write, 0);
  Word at = ram_begin;
  for (; at < reinterpret_cast<Word>(text_end); at += page) map(0, root, at, at, read_execute, 0);
  for (; at % megapage != 0; at += page) map(0, root, at, at, read_write, 0);
  for (; at < ram_end; at += megapage) map(0, root, at, at, read_write, 1);
}

void make_task(Task& task, int number, const Word* kernel) {
  set_identity(task, number + 1);
  if (number == without_tables) {
    set_phase(task, phase_without_tables);
    return;
  }
  Word* root = allocate(0);
  root[0] = kernel[0];  // devices
  root[2] = kernel[2];  // RAM, as the kernel sees it
  map(0, root, code_at, reinterpret_cast<Word>(user_code), read_execute | user, 0);
  if (number % 8 == 0) map(0, root, big_at, big_begin + (number / 8) * megapage, read_write | user, 1);
  Word* registers = registers_of(task);
  registers[0] = code_at;
  registers[11] = 4 + number % (heap_pages - 4);
  set_root(task, root);
  set_phase(task, number % 3 == 2 ? PARKED : READY);
}

void free_heap(Word hart, Word* root) {
  Word* middle = table_in(root[index_of(heap_at, 2)]);
  Word& middle_entry = middle[index_of(heap_at, 1)];
  if (!(middle_entry & valid)) return;
  Word* table = table_in(middle_entry);
  middle_entry = 0;
#ifndef MINIMAL_FORGETS_A_FENCE
  fence_all();
#endif
  for (int i = 0; i < 512; ++i) {
    if (!(table[i] & valid)) continue;
    release(hart, table_in(table[i]));
    ++counters[hart].pages_freed;
  }
  release(hart, table);
  ++counters[hart].tables_freed;
}

[[noreturn]] void run(Word hart, Word number) {
  Task& task = tasks[number];
  running[hart] = number;
  set_phase(task, ON_CPU);
  asm volatile("csrw satp, %0" ::"r"((Word{8} << 60) | (reinterpret_cast<Word>(root_of(task)) >> 12)));
  fence_all();
  ++counters[hart].switches;
  enter_user(registers_of(task), reinterpret_cast<Word>(boot_stacks) + (hart + 1) * page);
}

Word next_task(Word hart, Word after) {
  for (Word number = after + 1;; ++number) {
    number %= task_count;
    if (number % 4 == hart % 4 && phase_of(tasks[number]) == READY) return number;
  }
}

extern "C" void user_trap() {
  const Word hart = hart_number();
  Task& task = tasks[running[hart]];
  Word* registers = registers_of(task);
  // x4 is tp: user code never touches it, so it still names the hart.
  Word cause, address;
  asm volatile("csrr %0, scause" : "=r"(cause));
  asm volatile("csrr %0, stval" : "=r"(address));
  if (cause == 15 && address >= heap_at && address < heap_at + heap_pages * page) {
    map(hart, root_of(task), address, reinterpret_cast<Word>(allocate(hart)), read_write | user, 0);
    fence_all();
    ++counters[hart].demand_zero_faults;
    enter_user(registers, reinterpret_cast<Word>(boot_stacks) + (hart + 1) * page);
  }
  if (cause == 8) {
    registers[0] += 4;
    free_heap(hart, root_of(task));
#ifdef MINIMAL_FORGETS_A_FENCE
    // To the same task, which comes back to its heap before anything else is fenced.
    enter_user(registers, reinterpret_cast<Word>(boot_stacks) + (hart + 1) * page);
#endif
    set_phase(task, READY);
    run(hart, next_task(hart, running[hart]));
  }
  for (;;) asm volatile("wfi");
}

void print(const char* text) {
  for (; *text; ++text) *reinterpret_cast<volatile char*>(0x1000'0000) = *text;
}

// What an xv6 image says of itself in its second block.
void tell_disk() {
  if (!Disk::is_there()) return;
  alignas(8) static unsigned super_block[Disk::block / sizeof(unsigned)];
  Disk::read(1, super_block);
  if (super_block[0] != 0x1020'3040) return;
  char digits[11] = {};
  int first = 10;
  for (unsigned blocks = super_block[1]; blocks != 0; blocks /= 10)
    digits[--first] = static_cast<char>('0' + blocks % 10);
  print("minimal guest: a file system of ");
  print(digits + first);
  print(" blocks\n");
}

extern "C" void guest_main(Word hart) {
  asm volatile("mv tp, %0" ::"r"(hart));
  asm volatile("csrw stvec, %0" ::"r"(user_trap_entry));
  if (hart == 0) {
    for (Word i = 0; i < most_harts; ++i) pool_next[i] = pool_begin + i * pool_size;
    Word* kernel = allocate(0);
    map_kernel(kernel);
    set_kernel_root(kernel);
    for (int i = 0; i < task_count; ++i) make_task(tasks[i], i, kernel);
    for (int i = 0; i < task_count; ++i) registers_of(tasks[i])[4] = static_cast<Word>(i % 4);
    order_stores();
    boot_finished = 1;
    tell_disk();
    print("minimal guest: running\n");
  }
  while (!boot_finished) {
  }
  if (hart >= 4) {
    for (;;) asm volatile("wfi");
  }
  run(hart, next_task(hart, hart));
}
