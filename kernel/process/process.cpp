// SPDX-License-Identifier: MIT
#include "process/process.hpp"

#include <algorithm>

#include "mm/fail_nth.hpp"

namespace process {

namespace {

std::atomic<u32> armed_processes{0};

}  // namespace

void Process::set_program(std::string_view path) {
  const std::string_view name_part = path.substr(path.rfind('/') + 1);  // npos + 1 is 0: a path without a slash
  const usize length = std::min(name_part.size(), program_.size() - 1);
  std::copy_n(name_part.begin(), length, program_.data());
  // To the end: all of it leaves the kernel (procinfo).
  std::fill(program_.begin() + length, program_.end(), '\0');
  name = program_.data();
}

void Process::inherit(const Process& parent) {
  program_ = parent.program_;
  name = program_.data();
  if (!parent.is_watched()) return;  // a slot's masks are clear
  watch.inherit(parent.watch);
  note_watch_changed();
}

void Process::note_watch_changed() {
  if (watch.is_set()) {
    work_.fetch_or(watched_bit, std::memory_order_relaxed);
  } else {
    work_.fetch_and(~watched_bit, std::memory_order_relaxed);
  }
}

bool Process::this_allocation_fails() {
  if (sched::current().pid == 0) return false;  // an idle thread, or boot
  Process& self = current();
  return self.failing_allocation_ != 0 && ++self.allocations_ == self.failing_allocation_;
}

u64 Process::arm_failure(u64 nth) {
  const bool was_armed = failing_allocation_ != 0;
  const u64 made = was_armed ? allocations_ : 0;
  allocations_ = 0;
  failing_allocation_ = nth;
  // The hook stays away while nobody is armed, so that it costs nothing.
  if (!was_armed && nth != 0 && armed_processes.fetch_add(1) == 0) mm::failure_hook.store(this_allocation_fails);
  if (was_armed && nth == 0 && armed_processes.fetch_sub(1) == 1) mm::failure_hook.store(nullptr);
  return made;
}

}  // namespace process
