#pragma once

// The guest's own process table: nothing in it is called as in xv6 or Bifolium, so an explorer must go by the types.

#include "paging.hpp"

enum class Phase : unsigned { vacant, parked, ready, running };

struct Space {
  Word root_ppn;  // page number of the level-2 table
  Word mapped_pages;
};

struct Task {
  Word registers[33];
  Space space;
  Phase phase;
  int id;
  char label[12];
};

inline constexpr int task_count = 64;
inline constexpr Phase phase_without_tables = Phase::parked;
extern Task tasks[task_count];
extern Word kernel_root;

inline void set_root(Task& task, Word* root) { task.space.root_ppn = reinterpret_cast<Word>(root) >> 12; }
inline Word* root_of(const Task& task) { return reinterpret_cast<Word*>(task.space.root_ppn << 12); }
inline void set_identity(Task& task, int id) {
  task.id = id;
  task.label[0] = 't';
  task.label[1] = 'a';
  task.label[2] = 's';
  task.label[3] = 'k';
  task.label[4] = '-';
  task.label[5] = static_cast<char>('0' + id / 10);
  task.label[6] = static_cast<char>('0' + id % 10);
  task.label[7] = 0;
}
inline void set_phase(Task& task, Phase phase) { task.phase = phase; }
inline Phase phase_of(const Task& task) { return task.phase; }
inline Word* registers_of(Task& task) { return task.registers; }
inline void set_kernel_root(Word* root) { kernel_root = reinterpret_cast<Word>(root); }
