// SPDX-License-Identifier: MIT
#pragma once
// How often each VM event happened on one hart (xv6: stats.ncopyin, extended to everything). Here, below mm, so
// that the running thread can hold a pointer to its hart's counters: every system call counts, and so each count is
// a load, an addition and a store.

#include <atomic>

#include "abi/vmstat.hpp"
#include "lib/types.hpp"

namespace arch {

/// One hart's counters. Only that hart adds to them (the kernel is not preempted), so a load and a store do; others
/// may read at any time.
struct alignas(64) HartCounters {
  std::atomic<u64> events[abi::vm_event_count];

  void add(abi::VmEvent event, u64 amount = 1) {
    std::atomic<u64>& counter = events[static_cast<usize>(event)];
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] u64 get(abi::VmEvent event) const {
    return events[static_cast<usize>(event)].load(std::memory_order_relaxed);
  }
};

}  // namespace arch
