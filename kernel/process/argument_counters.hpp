#pragma once

#include <atomic>

#include "lib/types.hpp"

// The counters of the 2020 page-table lab's statistics text. xv6 counts calls of copyin and copyinstr; its
// console writes byte by byte, so one byte written there counts as one call (xv6-abi.md 3.3).
namespace process {

struct CopyCounters {
  std::atomic<u64> copy_in{0};
  std::atomic<u64> copy_in_string{0};
};

inline constinit CopyCounters copy_counters;

inline void count_copy_in(u64 calls) { copy_counters.copy_in.fetch_add(calls, std::memory_order_relaxed); }
inline void count_copy_in_string() { copy_counters.copy_in_string.fetch_add(1, std::memory_order_relaxed); }

}  // namespace process
