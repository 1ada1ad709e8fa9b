// SPDX-License-Identifier: MIT
#include <array>

#include "arch/port.hpp"
#include "arch/riscv64/start.hpp"
#include "lib/format.hpp"
#include "process/exec.hpp"
#include "process/lifecycle.hpp"
#include "process/memory_check.hpp"
#include "sched/thread.hpp"
#include "syscall/arguments.hpp"
#include "syscall/handlers.hpp"

using calls::argument;
using calls::failed;
using calls::integer_argument;
using process::Process;

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
  if (status_address != 0 && !calls::store(self, status_address, departed->status)) return failed;
  const u64 pid = static_cast<u64>(departed->child->pid);
  process::reap(self, *departed->child);
  process::check_after_exit(static_cast<i32>(pid));
  return pid;
}

u64 sys_kill(Process& self) { return calls::status_of(process::table().kill(process::Pid{integer_argument(self, 0)})); }

u64 sys_getpid(Process& self) { return static_cast<u64>(self.pid); }

u64 sys_uptime(Process&) { return sched::uptime_ticks(); }

// Negative counts as 0 (A8).
u64 sys_sleep(Process& self) {
  const i32 ticks = integer_argument(self, 0);
  if (ticks <= 0) return 0;
  return sched::sleep_ticks(static_cast<u64>(ticks)) == sched::Woken::killed ? failed : 0;
}

u64 sys_cpupin(Process& self) {
  const i32 hart = integer_argument(self, 0);
  if (hart < 0 || hart >= static_cast<i32>(arch::max_harts)) return failed;
  if ((arch::started_harts() >> hart & 1) == 0) return failed;
  sched::pin_current(hart);
  return 0;
}

u64 calls::exec_path(Process& self, std::string_view path) {
  const auto argument_count = process::exec(self, path, argument(self, 1));
  if (argument_count) return *argument_count;
  self.exec_error = argument_count.error();
  return failed;
}

u64 sys_exec(Process& self) {
  calls::PathBuffer buffer;
  const auto path = calls::fetch_path(self, argument(self, 0), buffer);
  if (path) return calls::exec_path(self, *path);
  self.exec_error = path.error();
  return failed;
}

// exec itself can say no more than -1; a shell wants to say which of the many reasons it was.
u64 sys_execerror(Process& self) {
  std::array<char, 64> text{};
  const usize length = lib::format_to(text, "{}", lib::describe(self.exec_error)).size() + 1;
  if (argument(self, 1) < length) return failed;
  return calls::store_bytes(self, argument(self, 0), text.data(), length) ? length : failed;
}
