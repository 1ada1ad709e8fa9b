// How often each VM event happened, per hart (xv6's lab: stats.ncopyin, extended to everything).
#pragma once

#include <atomic>

#include "abi/vmstat.hpp"
#include "arch/port.hpp"

namespace mm {

using abi::VmEvent;

/// One hart's counters. Only that hart adds to them (the kernel is not preempted), so a load and a store do; others
/// may read at any time.
struct alignas(64) HartCounters {
  std::atomic<u64> events[abi::vm_event_count];

  void add(VmEvent event, u64 amount = 1) {
    std::atomic<u64>& counter = events[static_cast<usize>(event)];
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] u64 get(VmEvent event) const {
    return events[static_cast<usize>(event)].load(std::memory_order_relaxed);
  }
};

inline HartCounters hart_counters[arch::max_harts];

inline void count(VmEvent event, u64 amount = 1) { hart_counters[arch::hart_index()].add(event, amount); }

/// The event's sum over all harts.
[[nodiscard]] inline u64 total(VmEvent event) {
  u64 sum = 0;
  for (const HartCounters& hart : hart_counters) sum += hart.get(event);
  return sum;
}

}  // namespace mm
