// SPDX-License-Identifier: MIT
// Sv39 as programs see it: page sizes, the end of user memory, the bits that pgpte() reports.
#pragma once

#define PGSIZE 4096
#define PGSHIFT 12
#define SUPERPGSIZE (2 * 1024 * 1024)

#define PGROUNDUP(sz) (((sz) + PGSIZE - 1) & ~(PGSIZE - 1))
#define PGROUNDDOWN(a) (((a)) & ~(PGSIZE - 1))
#define SUPERPGROUNDUP(sz) (((sz) + SUPERPGSIZE - 1) & ~(SUPERPGSIZE - 1))
#define SUPERPGROUNDDOWN(a) (((a)) & ~(SUPERPGSIZE - 1))

#define PTE_V (1L << 0)
#define PTE_R (1L << 1)
#define PTE_W (1L << 2)
#define PTE_X (1L << 3)
#define PTE_U (1L << 4)
#define PTE_G (1L << 5)
#define PTE_A (1L << 6)
#define PTE_D (1L << 7)

#define PTE_LEAF(pte) (((pte) & PTE_R) | ((pte) & PTE_W) | ((pte) & PTE_X))
#define PA2PTE(pa) ((((uint64)(pa)) >> 12) << 10)
#define PTE2PA(pte) (((pte) >> 10) << 12)
#define PTE_FLAGS(pte) ((pte) & 0x3FF)

#define PXMASK 0x1FF
#define PXSHIFT(level) (PGSHIFT + (9 * (level)))
#define PX(level, va) ((((uint64)(va)) >> PXSHIFT(level)) & PXMASK)

#define MAXVA (1L << (9 + 9 + 9 + 12 - 1))

#ifndef __ASSEMBLER__
typedef uint64 pte_t;
typedef uint64 *pagetable_t;

// The counters and registers that user mode may read.
static inline uint64 r_time(void) {
  uint64 value;
  asm volatile("rdtime %0" : "=r"(value));
  return value;
}

static inline uint64 r_sp(void) {
  uint64 value;
  asm volatile("mv %0, sp" : "=r"(value));
  return value;
}

static inline uint64 r_tp(void) {
  uint64 value;
  asm volatile("mv %0, tp" : "=r"(value));
  return value;
}

static inline uint64 r_ra(void) {
  uint64 value;
  asm volatile("mv %0, ra" : "=r"(value));
  return value;
}

static inline uint64 r_fp(void) {
  uint64 value;
  asm volatile("mv %0, s0" : "=r"(value));
  return value;
}
#endif
