// SPDX-License-Identifier: MIT
#pragma once
// What the procinfo call tells of a process, for `ps`.

#include <cstdint>

#include "abi/limits.hpp"

namespace abi {

enum class ProcessState : std::int32_t { starting = 0, runnable = 1, running = 2, sleeping = 3, zombie = 4 };

struct ProcInfo {
  std::int32_t pid;
  std::int32_t parent;  ///< 0 for init
  ProcessState state;
  std::int32_t hart;  ///< where it runs or last ran, -1: nowhere yet
  std::uint64_t size;  ///< the break, in bytes
  std::uint64_t resident_pages;  ///< user pages mapped now, a megapage counts 512
  std::uint64_t table_frames;  ///< frames its page table takes
  char name[process_name_size];  ///< NUL-terminated, last component of the program's path
};

static_assert(sizeof(ProcInfo) == 56);

}  // namespace abi
