// SPDX-License-Identifier: MIT
#include "labs/alarm.hpp"

#include <cstring>

#include "labs/handlers.hpp"
#include "syscall/arguments.hpp"

using calls::argument;
using calls::failed;
using process::Process;

namespace lab {

void count_alarm_tick(Process& self) {
  process::Alarm& alarm = self.watch.alarm;
  if (alarm.period == 0 || alarm.in_handler || ++alarm.elapsed < alarm.period) return;
  alarm.elapsed = 0;
  alarm.in_handler = true;
  alarm.saved = self.frame();
  self.frame().epc = alarm.handler;
}

}  // namespace lab

// A handler that is running stays what it is: it may call sigalarm itself before it returns.
u64 sys_sigalarm(Process& self) {
  const i32 ticks = calls::integer_argument(self, 0);
  if (ticks < 0) return failed;
  process::Alarm& alarm = self.watch.alarm;
  alarm.period = static_cast<u64>(ticks);
  alarm.elapsed = 0;
  alarm.handler = argument(self, 1);
  return 0;
}

// All registers come back, a0 too: it is this call's result.
u64 sys_sigreturn(Process& self) {
  process::Alarm& alarm = self.watch.alarm;
  if (!alarm.in_handler) return failed;
  alarm.in_handler = false;
  std::memcpy(static_cast<void*>(&self.frame()), &alarm.saved, offsetof(arch::TrapFrame, kernel_stack_top));
  self.note_registers_replaced();
  return self.frame().a0;
}
