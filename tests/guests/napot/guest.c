// A bare guest that uses Svnapot and Svpbmt on Sv39, M-mode with MPRV; prints what each load gives.
typedef unsigned long u64;
#define T(n) u64 n[512] __attribute__((aligned(4096)))
T(root);
T(l1);
T(l0);
T(l1b);
static char area[0x20000] __attribute__((aligned(0x10000)));
static char stack[4096] __attribute__((aligned(16), used));
volatile u64 trapped;
static void putc_(char c) { *(volatile char*)0x10000000 = c; }
static void puts_(const char* s) {
  while (*s) putc_(*s++);
}
static void hex(u64 v) {
  for (int i = 60; i >= 0; i -= 4) putc_("0123456789abcdef"[v >> i & 15]);
}
asm(".globl _start\n.section .text.start\n_start: csrr t0, mhartid\nbnez t0, 9f\nla sp, stack+4096\nla t0, trap\ncsrw "
    "mtvec, t0\nj main_\n9: wfi\nj 9b\n"
    ".balign 4\ntrap: csrr t0, mcause\nla t1, trapped\nsd t0, 0(t1)\ncsrr t0, mepc\naddi t0, t0, 4\ncsrw mepc, "
    "t0\nmret\n.text");
static u64 load(u64 va) {
  u64 v = 0;
  trapped = 0;
  u64 mprv = 1 << 17 | 1 << 11;  // MPRV, MPP = S
  asm volatile(
      "csrc mstatus, %2\ncsrs mstatus, %3\n.option push\n.option norvc\nld %0, 0(%4)\n.option pop\ncsrc mstatus, %3"
      : "=&r"(v), "+m"(trapped)
      : "r"(3UL << 11), "r"(mprv), "r"(va)
      : "t0", "t1", "memory");
  return v;
}
static void show(const char* what, u64 va, u64 expect) {
  u64 v = load(va);
  puts_(what);
  puts_(" va ");
  hex(va);
  if (trapped) {
    puts_(" trap ");
    hex(trapped);
  } else {
    puts_(" value ");
    hex(v);
    puts_(v == expect ? " as expected" : " NOT expected");
  }
  puts_("\r\n");
}
#define LEAF(pa, b) (((u64)(pa) >> 2) | (b))
void main_(void) {
  for (u64 i = 0; i < sizeof area; i += 8) *(u64*)(area + i) = (u64)(area + i);
  u64 base = (u64)area, rw = 0xc7;  // D A W R V
  root[0] = (u64)l1 >> 2 | 1;
  root[2] = LEAF(0x80000000, rw | 8);
  root[1] = (u64)l1b >> 2 | 1;
  l1[0] = (u64)l0 >> 2 | 1;
  for (int i = 0; i < 16; i++) l0[16 + i] = LEAF(base, rw) | 1UL << 63 | 8UL << 10;   // NAPOT 64 KiB
  l0[64] = LEAF(base + 0x3000, rw) | 1UL << 61;                                        // PBMT = NC
  l0[65] = LEAF(base + 0x3000, rw) | 2UL << 61;                                        // PBMT = IO
  l0[66] = LEAF(base + 0x3000, rw) | 3UL << 61;                                        // reserved
  l0[67] = LEAF(base, rw) | 1UL << 63 | 4UL << 10;                                     // NAPOT with a reserved size
  l1[1] = LEAF(0x80000000, rw) | 1UL << 63 | 8UL << 10;                                // N on a megapage: reserved
  l1b[0] = (u64)l0 >> 2 | 1 | 1 << 7;                                                  // D in a pointer: reserved
  l0[68] = LEAF(base + 0x3000, rw) | 1UL << 58;                                        // reserved bit
  asm volatile("csrs 0x30a, %0" ::"r"(1UL << 62));                                     // menvcfg.PBMTE
  asm volatile("csrw pmpaddr0, %0\ncsrw pmpcfg0, %1" ::"r"(-1UL >> 10), "r"(0x1fUL));
  asm volatile("csrw satp, %0\nsfence.vma" ::"r"(8UL << 60 | (u64)root >> 12));
  puts_("root ");
  hex((u64)root);
  puts_(" area ");
  hex(base);
  puts_("\r\n");
  show("napot page 0 ", 0x10008, base + 0x8);
  show("napot page 5 ", 0x15010, base + 0x5010);
  show("napot page 15", 0x1fff8, base + 0xfff8);
  show("pbmt NC      ", 0x40008, base + 0x3008);
  show("pbmt IO      ", 0x41008, base + 0x3008);
  show("pbmt 3       ", 0x42008, base + 0x3008);
  show("napot size   ", 0x43008, base + 0x8);
  show("reserved bit ", 0x44008, base + 0x3008);
  show("N megapage   ", 0x200008, 0);
  show("D in pointer ", 0x40015010, base + 0x5010);
  puts_("done\r\n");
  for (;;) asm volatile("wfi");
}
