#include "syscall/memory_check.hpp"

#include "dev/machine.hpp"
#include "lib/format.hpp"
#include "mm/space_list.hpp"
#include "process/console_sink.hpp"
#include "sched/stop.hpp"

namespace syscall {

namespace {

bool checks_after_exit = false;

}  // namespace

void start_memory_check() { checks_after_exit = dev::boot_argument("check") == "exit"; }

lib::Result<u64> check_memory() {
  const sched::StoppedHarts others;
  return mm::check_all_spaces(process::console_sink);
}

void check_after_exit(i32 pid) {
  if (!checks_after_exit) [[likely]]
    return;
  const auto violations = check_memory();
  if (violations && *violations != 0) lib::print("check: {} violations after process {}\n", *violations, pid);
}

}  // namespace syscall
