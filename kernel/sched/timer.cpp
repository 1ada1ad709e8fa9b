// Ticks, timed sleep, and when each hart's timer rings.

#include <algorithm>

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/start.hpp"
#include "sched/hart_state.hpp"

namespace sched {

namespace {

constexpr u64 ticks_per_second = 10;
/// A hart without sleepers looks up once in a while all the same: under QEMU's icount without sleep an idle machine jumps
/// to the next timer, and a timer at the end of time would take it there while the disk is still busy.
constexpr u64 longest_idle_ticks = 600;

u64 tick_length() { return arch::timer_frequency() / ticks_per_second; }

}  // namespace

u64 uptime_ticks() { return arch::read_time() / tick_length(); }

void arm_tick() { arch::set_timer((uptime_ticks() + 1) * tick_length()); }

void arm_for_sleepers() {
  HartState& hart = hart_states[current().hart];
  u64 when = uptime_ticks() + longest_idle_ticks;
  {
    sync::Guard guard(hart.sleep_lock);
    if (!hart.sleepers.empty()) when = std::min(when, hart.sleepers.front()->wake_tick);
  }
  arch::set_timer(when * tick_length());
}

Woken sleep_ticks(u64 ticks) {
  Thread& self = current();
  if (ticks == 0) return Woken::event;
  // A thread may wake on another hart, but stays in this one's list until then.
  HartState& hart = hart_states[self.hart];
  sync::Guard guard(hart.sleep_lock);
  self.wake_tick = uptime_ticks() + ticks;
  Thread* later = hart.sleepers.front();
  while (later != nullptr && later->wake_tick <= self.wake_tick) later = hart.sleepers.next(*later);
  hart.sleepers.insert_before(self, later);
  Woken woken = Woken::event;
  while (hart.sleepers.linked(self) && woken == Woken::event) {
    woken = hart.sleeping.wait(hart.sleep_lock, Interruptible::yes);
  }
  if (hart.sleepers.linked(self)) hart.sleepers.erase(self);
  return woken;
}

void handle_timer() {
  HartState& hart = hart_states[current().hart];
  const u64 now = uptime_ticks();
  {
    sync::Guard guard(hart.sleep_lock);
    while (!hart.sleepers.empty() && hart.sleepers.front()->wake_tick <= now) {
      hart.sleeping.wake(*hart.sleepers.pop_front());
    }
  }
  arm_tick();
  request_reschedule();
}

}  // namespace sched
