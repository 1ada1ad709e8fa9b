// SPDX-License-Identifier: MIT
// Ticks, timed sleep, and when each hart's timer rings.

#include <algorithm>
#include <array>
#include <atomic>

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/start.hpp"
#include "lib/bug.hpp"
#include "sched/hart_state.hpp"

namespace sched {

namespace {

constexpr u64 ticks_per_second = 10;
constexpr u64 never = ~u64{0};

constexpr u32 max_housekeeping = 4;
std::array<u64 (*)(), max_housekeeping> housekeeping{};
std::atomic<u32> housekeeping_count{0};

/// Does the kernel's own work that is due; when to call it again.
u64 keep_house() {
  u64 when = never;
  const u32 count = housekeeping_count.load(std::memory_order_acquire);
  for (u32 i = 0; i < count; ++i) when = std::min(when, housekeeping[i]());
  return when;
}

u64 tick_length() { return arch::timer_frequency() / ticks_per_second; }

void start_timer(u64 when) {
  arch::set_timer(when);
  arch::set_sie(arch::interrupt_bit::timer);
}

/// A hart that waits for a device only has no timer at all. Under QEMU's icount without sleep a machine that waits
/// jumps to its next timer, and every jump counts as time and as retired instructions: a tick of 100 ms is 10^8 of
/// them. QEMU knows no way to take a timer back, so it is moved to where it rings at once, and nobody hears it. The
/// CLINT's timer can't be left unheard like that: it is put out of reach.
void stop_timer() {
  if (!arch::has_sstc()) return arch::set_timer(~u64{0});
  arch::clear_sie(arch::interrupt_bit::timer);
  arch::set_timer(arch::read_time() + 2);
}

}  // namespace

u64 uptime_ticks() { return arch::read_time() / tick_length(); }

void arm_tick() { start_timer((uptime_ticks() + 1) * tick_length()); }

void arm_for_sleepers() {
  HartState& hart = hart_states[current().hart];
  u64 when = keep_house();
  {
    locks::Guard guard(hart.sleep_lock);
    if (!hart.sleepers.empty()) when = std::min(when, hart.sleepers.front()->wake_tick * tick_length());
  }
  when != never ? start_timer(when) : stop_timer();
}

void add_housekeeping(u64 (*look)()) {
  const u32 count = housekeeping_count.load(std::memory_order_relaxed);
  if (count == max_housekeeping) lib::bug("more housekeeping than its list");
  housekeeping[count] = look;
  housekeeping_count.store(count + 1, std::memory_order_release);
}

Woken sleep_ticks(u64 ticks) {
  Thread& self = current();
  if (ticks == 0) return Woken::event;
  // A thread may wake on another hart, but stays in this one's list until then.
  HartState& hart = hart_states[self.hart];
  locks::Guard guard(hart.sleep_lock);
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
    locks::Guard guard(hart.sleep_lock);
    while (!hart.sleepers.empty() && hart.sleepers.front()->wake_tick <= now) {
      hart.sleeping.wake(*hart.sleepers.pop_front());
    }
  }
  (void)keep_house();
  arm_tick();
  request_reschedule();
}

}  // namespace sched
