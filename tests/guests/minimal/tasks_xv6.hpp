#pragma once

// The same guest with the names that xv6 and the kernels of its students use.

#include "paging.hpp"
#include "proc.h"

using Word = unsigned long;
using Phase = procstate;
using Task = struct proc;

inline constexpr int task_count = NPROC;
inline constexpr Phase phase_without_tables = USED;
#define tasks proc

inline void set_root(Task& task, Word* root) {
  task.pagetable = root;
  task.sz = 0x5010'0000;
}
inline Word* root_of(const Task& task) { return task.pagetable; }
inline void set_identity(Task& task, int id) {
  task.pid = id;
  task.trapframe = trapframes[id - 1];
  const char text[] = {'p', static_cast<char>('0' + id / 10), static_cast<char>('0' + id % 10), 0};
  for (int i = 0; i < 4; ++i) task.name[i] = text[i];
}
inline void set_phase(Task& task, Phase phase) { task.state = phase; }
inline Phase phase_of(const Task& task) { return task.state; }
inline Word* registers_of(Task& task) { return task.trapframe; }
inline void set_kernel_root(Word* root) { kernel_pagetable = root; }
