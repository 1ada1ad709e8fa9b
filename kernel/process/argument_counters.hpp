// SPDX-License-Identifier: MIT
#pragma once
// How much programs have handed over to the kernel, not counting the contents of files and pipes.

#include <atomic>

#include "lib/types.hpp"

namespace process {

struct ArgumentCounters {
  std::atomic<u64> pointers{0};       ///< read from exec's argument vectors, their ends included
  std::atomic<u64> strings{0};        ///< paths and exec's arguments
  std::atomic<u64> console_bytes{0};  ///< written to the console
};

inline constinit ArgumentCounters argument_counters;

inline void count_argument(std::atomic<u64>& counter, u64 by = 1) { counter.fetch_add(by, std::memory_order_relaxed); }

}  // namespace process
