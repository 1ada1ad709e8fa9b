// A student's kernel as its file and its RAM look: a process table, the kernel's root, the list of free frames. No code
// runs; tests/foliowalk/kernels_test.py makes the page tables at the addresses below.
//
// RENAMED: nothing of the tables is called as in xv6. YEAR decides the layout: 2020 keeps its kernel stack and its lock
// first, since 2022 there is a parent lock, 2025 has an array of pointers nowhere, but more members in front.
typedef unsigned int uint;
typedef unsigned long uint64;
typedef uint64 *pagetable_t;

struct spinlock {
  uint locked;
  char *name;
  void *cpu;
};

enum procstate { UNUSED, USED, SLEEPING, RUNNABLE, RUNNING, ZOMBIE };

#ifdef RENAMED
#define pagetable user_space
#define kernel_pagetable global_space
#endif

struct proc {
  struct spinlock lock;
#if YEAR >= 2025
  uint64 trace_mask, alarm[4];
#endif
  enum procstate state;
#if YEAR < 2021
  struct proc *parent;
#endif
  void *chan;
  int killed;
  int xstate;
  int pid;
#if YEAR >= 2021
  struct proc *parent;
#endif
  uint64 kstack;
  uint64 sz;
  pagetable_t pagetable;
  struct trapframe *trapframe;
  uint64 context[14];
  struct file *ofile[16];
  struct inode *cwd;
  char name[16];
};

struct run {
  struct run *next;
};

struct {
  struct spinlock lock;
  struct run *freelist;
} kmem = {{0, "kmem", 0}, (struct run *)0x80300000};

struct proc proc[64] = {
    {.state = SLEEPING, .pid = 1, .sz = 0x3000, .pagetable = (pagetable_t)0x80200000, .name = "init"},
    {.state = SLEEPING, .pid = 2, .sz = 0x3000, .pagetable = (pagetable_t)0x80210000, .name = "sh"},
};
pagetable_t kernel_pagetable = (pagetable_t)0x80220000;

void _start(void) {
  for (;;) {
  }
}
