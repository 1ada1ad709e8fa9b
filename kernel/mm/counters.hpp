// SPDX-License-Identifier: MIT
#pragma once
// Counting VM events (arch/hart_counters.hpp).

#include "abi/vmstat.hpp"
#include "arch/port.hpp"

namespace mm {

using abi::VmEvent;

using arch::hart_counters;
using arch::HartCounters;

inline void count(VmEvent event, u64 amount = 1) { arch::own_counters().add(event, amount); }

/// The event's sum over all harts.
[[nodiscard]] inline u64 total(VmEvent event) {
  u64 sum = 0;
  for (const HartCounters& hart : hart_counters) sum += hart.get(event);
  return sum;
}

}  // namespace mm
