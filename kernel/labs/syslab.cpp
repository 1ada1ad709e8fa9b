#include <bit>
#include <cstring>

#include "abi/types.hpp"
#include "arch/port.hpp"
#include "arch/riscv64/start.hpp"
#include "mm/frames.hpp"
#include "process/table.hpp"
#include "sched/rw_spinlock_test.hpp"
#include "sched/thread.hpp"
#include "syscall/arguments.hpp"
#include "syscall/handlers.hpp"
#include "syscall/syscall.hpp"

using process::Process;
using syscall::argument;
using syscall::failed;
using syscall::integer_argument;

u64 sys_trace(Process& self) {
  const bool was_watched = self.is_watched();
  self.set_trace_mask(static_cast<u32>(argument(self, 0)));
  // The call that switches tracing on shows itself; later ones are shown by the dispatcher.
  if (!was_watched) syscall::print_if_traced(self, self.frame().a7, 0);
  return 0;
}

u64 sys_sysinfo(Process& self) {
  const abi::Sysinfo info{.free_bytes = mm::frames().free_count() * abi::page_size,
                          .process_count = process::table().count()};
  return syscall::store(self, argument(self, 0), info) ? 0 : failed;
}

u64 sys_interpose(Process& self) {
  syscall::PathBuffer buffer;
  const auto path = syscall::fetch_path(self, argument(self, 1), buffer);
  if (!path) return failed;
  self.set_interpose(static_cast<u32>(argument(self, 0)), *path);
  return 0;
}

// A handler that is running stays what it is: it may call sigalarm itself before it returns.
u64 sys_sigalarm(Process& self) {
  const i32 ticks = integer_argument(self, 0);
  if (ticks < 0) return failed;
  self.alarm.period = static_cast<u64>(ticks);
  self.alarm.elapsed = 0;
  self.alarm.handler = argument(self, 1);
  return 0;
}

// All registers come back, a0 too: it is this call's result.
u64 sys_sigreturn(Process& self) {
  if (!self.alarm.in_handler) return failed;
  self.alarm.in_handler = false;
  std::memcpy(static_cast<void*>(&self.frame()), &self.alarm.saved, offsetof(arch::TrapFrame, kernel_stack_top));
  self.note_registers_replaced();
  return self.frame().a0;
}

u64 sys_rwlktest(Process&) {
  constexpr u32 harts = 4;
  if (std::popcount(arch::started_harts()) < static_cast<i32>(harts)) return failed;
  return sched::rw_spinlock_test(harts) ? 0 : failed;
}

u64 sys_cpupin(Process& self) {
  const i32 hart = integer_argument(self, 0);
  if (hart < 0 || hart >= static_cast<i32>(arch::max_harts)) return failed;
  if ((arch::started_harts() >> hart & 1) == 0) return failed;
  sched::pin_current(hart);
  return 0;
}
