// SPDX-License-Identifier: MIT
#include "process/memory_check.hpp"

#include "lib/format.hpp"
#include "mm/space_list.hpp"
#include "process/console_sink.hpp"
#include "sched/stop.hpp"

namespace process {

namespace {

bool checks_after_exit = false;
bool programs_may_check = false;

/// All tables and frames of so much memory are looked at within 10 ms.
constexpr u64 frames_checked_soon = u64{128} << 20 >> 12;

}  // namespace

void let_programs_check() { programs_may_check = true; }

void check_memory_after_each_exit() {
  checks_after_exit = true;
  let_programs_check();
}

lib::Result<u64> check_memory_for_program() {
  if (!programs_may_check && mm::frames().ram_count() > frames_checked_soon) {
    return lib::fail(lib::Error::not_permitted);
  }
  return check_memory();
}

lib::Result<u64> check_memory() {
  const sched::StoppedHarts others;
  return mm::check_all_spaces(console_sink);
}

void check_after_exit(i32 pid) {
  if (!checks_after_exit) [[likely]]
    return;
  const auto violations = check_memory();
  if (violations && *violations != 0) lib::print("check: {} violations after process {}\n", *violations, pid);
}

}  // namespace process
