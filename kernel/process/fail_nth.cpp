#include "process/fail_nth.hpp"

#include <atomic>

#include "mm/fail_nth.hpp"

namespace process {

namespace {

std::atomic<u32> armed_processes{0};

bool this_allocation_fails() {
  if (sched::current().pid == 0) return false;  // an idle thread, or boot
  Process& self = current();
  return self.failing_allocation != 0 && ++self.allocations == self.failing_allocation;
}

}  // namespace

u64 arm_failure(Process& self, u64 nth) {
  const bool was_armed = self.failing_allocation != 0;
  const u64 made = was_armed ? self.allocations : 0;
  self.allocations = 0;
  self.failing_allocation = nth;
  // The hook stays away while nobody is armed, so that it costs nothing.
  if (!was_armed && nth != 0 && armed_processes.fetch_add(1) == 0) mm::failure_hook.store(this_allocation_fails);
  if (was_armed && nth == 0 && armed_processes.fetch_sub(1) == 1) mm::failure_hook.store(nullptr);
  return made;
}

}  // namespace process
