// SPDX-License-Identifier: MIT
#pragma once
// One of grind's processes: random system calls on files, pipes, mappings and processes that it shares with the others.

#include "user/testing/harness.hpp"

namespace grind {

// What the processes share with their supervisor, in memory that all of them map.
struct Progress {
  static constexpr int slots = 8;
  volatile std::uint64_t calls[slots];
};

// The directory in which everything happens.
inline constexpr const char* directory = "/grind.d";

// Makes `calls` random calls, counts them in progress.calls[slot], and ends the process. It may as well be killed, by
// its own doing or by another's, or wait for ever.
__attribute__((noreturn)) void grind(std::uint32_t seed, int calls, Progress& progress, int slot, int supervisor);

}  // namespace grind
