// SPDX-License-Identifier: MIT
#pragma once

#include "abi/vmstat.hpp"
#include "mm/counters.hpp"
#include "sched/thread.hpp"

namespace process {

/// An event's count on one hart. Context switches are counted by sched, which lies below mm and its counters.
[[nodiscard]] inline u64 event_count(abi::VmEvent event, u32 hart) {
  if (event == abi::VmEvent::context_switch) return sched::context_switches(hart);
  return arch::hart_counters[hart].get(event);
}

/// Its sum over all harts.
[[nodiscard]] inline u64 event_total(abi::VmEvent event) {
  u64 sum = 0;
  for (u32 hart = 0; hart < arch::max_harts; ++hart) sum += event_count(event, hart);
  return sum;
}

}  // namespace process
