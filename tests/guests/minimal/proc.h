#pragma once
// struct proc as xv6 declares it, for C (proc.c, so that the table has a C compiler's DWARF) and for the guest's C++.

typedef unsigned int uint;
typedef unsigned long uint64;
typedef uint64 *pagetable_t;

struct spinlock {
  uint locked;
  char *name;
  void *cpu;
};

struct context {
  uint64 ra, sp, s[12];
};

enum procstate { UNUSED, USED, SLEEPING, RUNNABLE, RUNNING, ZOMBIE };

struct proc {
  struct spinlock lock;
  enum procstate state;
  void *chan;
  int killed;
  int xstate;
  int pid;
  struct proc *parent;
  uint64 kstack;
  uint64 sz;
  pagetable_t pagetable;
  uint64 *trapframe;
  struct context context;
  void *ofile[16];
  void *cwd;
  char name[16];
};

#define NPROC 64

#ifdef __cplusplus
extern "C" {
#endif
extern struct proc proc[NPROC];
extern pagetable_t kernel_pagetable;
extern uint64 trapframes[NPROC][33];
#ifdef __cplusplus
}
#endif
