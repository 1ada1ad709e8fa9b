// SPDX-License-Identifier: MIT
// Rows of docs/xv6-contract.md about page tables, the break, and stacks.
#include "rows.h"

enum { usyscall_pages_below_top = 3 };
#define maxva (1UL << 38)
#define trapframe ((1UL << 38) - 2 * page)
#ifdef HAS_UGETPID
#define user_top ((1UL << 38) - 3 * page)
#else
#define user_top ((1UL << 38) - 2 * page)
#endif

#ifdef HAVE_pgpte
uint64 pgpte(void *);
static int shown(void) {
  EXPECT((pgpte((void *)0) & 1) == 1);
  EXPECT(pgpte((void *)(uint64)(512 * page)) == 0);
  return 0;
}
#endif

#ifdef HAVE_kpgtbl
int kpgtbl(void);
static int printed(void) { return kpgtbl() == 0 ? 0 : __LINE__; }
#endif
#ifdef HAVE_vmprint
void vmprint(void);
static int printed(void) {
  vmprint();  // the console shows it
  return 0;
}
#endif

#if defined(HAVE_pgaccess) && YEAR >= 2026
int pgaccess(void *, int, void *);
static int accessed(void) {
  char *memory = sbrk(34 * page);
  char *buffer = memory + 16;
  uint mask = 0;
  EXPECT(pgaccess(buffer, 32, &mask) >= 0);
  buffer[page * 1]++;
  buffer[page * 2]++;
  buffer[page * 30]++;
  EXPECT(pgaccess(buffer, 32, &mask) >= 0);
  EXPECT(mask == ((1U << 1) | (1U << 2) | (1U << 30)));
  return 0;
}

static int accessed_by_length(void) {
  char *buffer = sbrk(256 * page);
  static uchar bits[512];
  EXPECT(pgaccess(buffer, 256, bits) >= 0);
  for (int i = 0; i < 256; i++) buffer[i * page]++;
  for (int i = 0; i < 512; i++) bits[i] = 0x55;
  EXPECT(pgaccess(buffer, 256, bits) >= 0);
  for (int i = 0; i < 32; i++) EXPECT(bits[i] == 0xff);
  for (int i = 32; i < 512; i++) EXPECT(bits[i] == 0x55);
  bits[1] = 0x55;
  EXPECT(pgaccess(buffer, 3, bits) >= 0);
  EXPECT(bits[1] == 0x55);

  EXPECT(pgaccess(sbrk(0), 4096, bits) < 0);
  EXPECT(pgaccess(buffer, 4096, sbrk(0) + page) < 0);
  EXPECT(pgaccess(buffer, 1, sbrk(0) + page) < 0);
  EXPECT(pgaccess((void *)(uint64)page, 1, bits) >= 0);
  EXPECT(pgaccess((void *)(uint64)page, 10000000, bits) < 0);
  EXPECT(pgaccess((void *)(uint64)page, -1, bits) < 0);
  EXPECT(pgaccess((void *)maxva, 1, bits) < 0);
  EXPECT(pgaccess((void *)(maxva - page), 4096, bits) < 0);
  return 0;
}
#endif

#ifdef HAS_UGETPID
int ugetpid(void) { return *(volatile int *)((1UL << 38) - usyscall_pages_below_top * page); }
static int same_pid(void) { return ugetpid() == getpid() ? 0 : __LINE__; }
static int pid_page(void) {
  EXPECT(ugetpid() == getpid());
  for (int i = 0; i < 64; i++) EXPECT(in_child(same_pid) == 0);
  return 0;
}
#endif

#ifdef HAVE_ksupernpte
int ksupernpte(uint64 *, uint64 *);
static int superpages(void) {
  uint64 super = 0, base = 0;
  EXPECT(ksupernpte(&super, &base) == 0);
  print("kernel superpages ");
  print_number(super);
  print(" base pages ");
  print_number(base);
  print("\n");
  EXPECT(super >= 93 && base <= 1610);
  EXPECT(ksupernpte((uint64 *)maxva, &base) == -1);
  return 0;
}
#endif

#if YEAR >= 2025
// The break goes up to the very top of what the year gives a program, and not further.
static int lazy_to_the_top(void) {
  const int gibibyte = 1 << 30;
  while ((uint64)sbrk(0) < maxva - (uint64)gibibyte) EXPECT(sbrklazy(gibibyte) != (char *)-1);
  uint64 at = (uint64)sbrk(0);
  EXPECT((uint64)sbrklazy((int)(user_top - page - at)) == at);
  EXPECT((uint64)sbrk(page) == user_top - page);
  char *last = (char *)(user_top - page);
  for (int i = 0; i < page; i++) EXPECT(last[i] == 0);
  last[0] = 1;
  last[page - 1] = 2;
  EXPECT(last[0] == 1 && last[page - 1] == 2);
  EXPECT(sbrk(1) == (char *)-1);
  EXPECT(sbrklazy(1) == (char *)-1);
  return 0;
}

// Pages that are not the program's can be neither read nor written by calls, whatever is mapped there.
static int lazy_copy(void) {
  const uint64 bad[] = {0x3fffffc000, 0x3fffffd000, 0x3fffffe000, 0x3ffffff000, 0x4000000000, 0x8000000000};
  int in = open("README", 0), out = open("copied", 0x202);
  EXPECT(in >= 0 && out >= 0);
  for (uint i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    EXPECT(read(in, (void *)bad[i], 512) < 0);
    EXPECT(write(out, (void *)bad[i], 512) < 0);
  }
  return 0;
}

// The name ends in a page that was never touched.
static int lazy_copyinstr(void) {
  while ((uint64)sbrk(0) % page != 0) sbrk(1);
  char *name = sbrklazy(2 * page);
  name[page - 1] = '/';
  EXPECT(open(&name[page - 1], 0) >= 0);
  return 0;
}
#endif

static int deep(int depth) {
  volatile char frame[1024];
  for (int i = 0; i < 1024; i += 256) frame[i] = (char)depth;
  return depth == 0 ? frame[0] : deep(depth - 1) + frame[depth * 256 % 1024];
}
static int six_kibibytes(void) { return deep(5) * 0; }
static int stack_pages(void) {
#ifdef DEEP_STACK
  EXPECT(in_child(six_kibibytes) == 0);
#else
  EXPECT(in_child(six_kibibytes) == -1);
#endif
  return 0;
}

static int forbidden(void) { return *(volatile char *)trapframe; }
static int trapframe_is_the_kernels(void) {
  EXPECT(in_child(forbidden) == -1);
  return 0;
}

#ifdef ROWS_COSTS
static uint64 instructions(void) {
  uint64 count;
  asm volatile("rdinstret %0" : "=r"(count)::"memory");
  return count;
}

// Grows by `bytes` in steps, touching each page; what a page cost.
static uint64 cost(int bytes, int step) {
  uint64 begin = instructions();
  for (int grown = 0; grown < bytes; grown += step) {
    volatile char *at = sbrk(step);
    if (at == (char *)-1) return 0;
    for (int i = 0; i < step; i += page) at[i] = 1;
  }
  uint64 all = instructions() - begin;
  sbrk(-bytes);
  return all / (uint64)(bytes / page);
}

// The console shows them: an image whose sbrk has one argument pays what one with two pays.
static int costs(void) {
  enum { mebibyte = 1 << 20 };
  static const struct {
    const char *name;
    int bytes, step;
  } cases[] = {
      {"page", 16 * mebibyte, page},
      {"mebibyte", 16 * mebibyte, mebibyte},
      {"all", 16 * mebibyte, 16 * mebibyte},
      {"one", page, page},
  };
  for (uint i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cost(cases[i].bytes, cases[i].step);  // makes the tables
    uint64 instructions_a_page = cost(cases[i].bytes, cases[i].step);
    EXPECT(instructions_a_page > 0);
    print("cost ");
    print(cases[i].name);
    print(" ");
    print_number(instructions_a_page);
    print("\n");
  }
  return 0;
}
#endif

const struct row memory_rows[] = {
#ifdef HAVE_pgpte
    {"pgpte", shown},
#endif
#if defined(HAVE_kpgtbl) || defined(HAVE_vmprint)
    {"vmprint", printed},
#endif
#if defined(HAVE_pgaccess) && YEAR >= 2026
    {"pgaccess", accessed},
    {"pgaccess_by_length", accessed_by_length},
#endif
#ifdef HAS_UGETPID
    {"ugetpid", pid_page},
#endif
#ifdef HAVE_ksupernpte
    {"ksupernpte", superpages},
#endif
#if YEAR >= 2025
    {"lazy_sbrk", lazy_to_the_top},
    {"lazy_copy", lazy_copy},
    {"lazy_copyinstr", lazy_copyinstr},
#endif
#ifdef ROWS_COSTS
    {"costs", costs},
#endif
    {"stack_pages", stack_pages},
    {"trapframe", trapframe_is_the_kernels},
    {0, 0},
};
