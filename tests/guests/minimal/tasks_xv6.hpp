#pragma once

// The same guest with the names that xv6 and the kernels of its students use.

#include "paging.hpp"

using Word = unsigned long;
using pagetable_t = Word*;

enum procstate { UNUSED, USED, SLEEPING, RUNNABLE, RUNNING, ZOMBIE };
using Phase = procstate;

struct proc {
  enum procstate state;
  int pid;
  Word sz;
  pagetable_t pagetable;
  Word trapframe[33];
  char name[16];
};
using Task = proc;

inline constexpr int task_count = 64;
extern "C" proc proc[task_count];
extern "C" pagetable_t kernel_pagetable;
#define tasks proc

inline void set_root(Task& task, Word* root) {
  task.pagetable = root;
  task.sz = 0x5010'0000;
}
inline Word* root_of(const Task& task) { return task.pagetable; }
inline void set_identity(Task& task, int id) {
  task.pid = id;
  const char text[] = {'p', static_cast<char>('0' + id / 10), static_cast<char>('0' + id % 10), 0};
  for (int i = 0; i < 4; ++i) task.name[i] = text[i];
}
inline void set_phase(Task& task, Phase phase) { task.state = phase; }
inline Phase phase_of(const Task& task) { return task.state; }
inline Word* registers_of(Task& task) { return task.trapframe; }
inline void set_kernel_root(Word* root) { kernel_pagetable = root; }
