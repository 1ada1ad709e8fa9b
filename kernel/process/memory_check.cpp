#include "process/memory_check.hpp"

#include "lib/format.hpp"
#include "mm/space_list.hpp"
#include "process/console_sink.hpp"
#include "sched/stop.hpp"

namespace process {

namespace {

bool checks_after_exit = false;

}  // namespace

void check_memory_after_each_exit() { checks_after_exit = true; }

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
