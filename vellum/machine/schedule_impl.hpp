// SPDX-License-Identifier: MIT
#pragma once
// Whose turn it is, what time it is, and when something happens.
//
// One hart runs at a time, for a slice of some instructions. Virtual time passes with the instructions of all harts
// together, divided by how many had work when the slice began: n busy harts do n instructions in a nanosecond. So time
// never goes back, whichever hart looks at it, and a machine of one hart does 10^9 instructions in a second.

#include "vellum/machine/interpreter.hpp"

namespace vellum {

template <Observer O>
u64 Machine<O>::time_in_slice(u64 steps) const {
  return schedule_.nanoseconds + (schedule_.remainder + steps) / schedule_.runnable;
}

template <Observer O>
void Machine<O>::pass_time(u64 steps) {
  const u64 sum = schedule_.remainder + steps;
  schedule_.nanoseconds += sum / schedule_.runnable;
  schedule_.remainder = sum % schedule_.runnable;
  schedule_.steps += steps;
}

/// Splitmix64.
template <Observer O>
u64 Machine<O>::random() {
  u64 z = schedule_.random += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

/// The bits of mip that come from outside of the hart, at a moment.
template <Observer O>
u64 Machine<O>::lines_of(const Hart& hart, u64 nanoseconds) const {
  using namespace interrupt;
  const u64 time = clint_.time(ticks(nanoseconds));
  u64 lines = hart.lines;
  if (time >= clint_.compare(hart.id)) lines |= bit(machine_timer);
  if (hart.has_sstc() && time >= hart.stimecmp) lines |= bit(supervisor_timer);
  return lines;
}

/// When this hart's next enabled timer rings, in ns; nothing if it has none.
template <Observer O>
std::optional<u64> Machine<O>::timer_of(const Hart& hart) const {
  using namespace interrupt;
  u64 when = ~u64{0};
  if ((hart.mie & bit(machine_timer)) != 0) when = clint_.compare(hart.id);
  if ((hart.mie & bit(supervisor_timer)) != 0 && hart.has_sstc()) when = std::min(when, hart.stimecmp);
  if (when == ~u64{0}) return std::nullopt;
  const u64 at = clint_.ticks_at(when);
  constexpr u64 latest = ~u64{0} / map::nanoseconds_per_tick;
  return at >= latest ? std::nullopt : std::optional(at * map::nanoseconds_per_tick);
}

template <Observer O>
CsrSurroundings Machine<O>::surroundings(const Hart& hart, u64 left) const {
  const u64 moment = now(hart, left);
  return {.time = clint_.time(ticks(moment)),
          .steps_in_flight = hart.granted - left,
          .lines = lines_of(hart, moment),
          .widest_mode = static_cast<u32>(configuration_.widest_mode),
          .asid_bits = configuration_.asid_bits};
}

/// Devices after they were touched: who is at work, which lines are high.
template <Observer O>
void Machine<O>::settle_devices() {
  devices_touched_ = false;
  if (block_.is_notified() && schedule_.disk_due == 0) {
    schedule_.disk_due = schedule_.nanoseconds + configuration_.disk_latency_ns;
  }
  plic_.set_line(map::uart_interrupt, uart_.line());
  plic_.set_line(map::virtio_interrupt, block_.line());
  using namespace interrupt;
  for (u32 i = 0; i < configuration_.harts; ++i) {
    harts_[i].lines = (clint_.software_pending(i) ? bit(machine_software) : 0) |
                      (plic_.is_raised(2 * i) ? bit(machine_external) : 0) |
                      (plic_.is_raised(2 * i + 1) ? bit(supervisor_external) : 0);
  }
}

/// The next hart and the length of its slice.
template <Observer O>
void Machine<O>::next_turn() {
  const u32 harts = configuration_.harts;
  schedule_.turn = (schedule_.turn + 1) % harts;
  schedule_.slice_left = configuration_.quantum;
  if (configuration_.seed != 0) {
    const u64 drawn = random();
    schedule_.slice_left = 1 + drawn % (2 * configuration_.quantum);
    // Now and then out of order.
    if ((drawn >> 60) == 0) schedule_.turn = static_cast<u32>((drawn >> 32) % harts);
  }
  u64 runnable = 0;
  for (u32 i = 0; i < harts; ++i) runnable += harts_[i].is_waiting ? 0 : 1;
  schedule_.runnable = std::max<u64>(runnable, 1);
}

template <Observer O>
std::optional<u64> Machine<O>::next_event() const {
  std::optional<u64> next;
  const auto consider = [&next](std::optional<u64> when) {
    if (when && (!next || *when < *next)) next = when;
  };
  for (u32 i = 0; i < configuration_.harts; ++i) consider(timer_of(harts_[i]));
  if (schedule_.disk_due != 0) consider(schedule_.disk_due);
  return next;
}

template <Observer O>
void Machine<O>::advance_to(u64 nanoseconds) {
  if (nanoseconds <= schedule_.nanoseconds) return;
  schedule_.nanoseconds = nanoseconds;
  schedule_.remainder = 0;
}

/// Instructions this hart may execute before a timer of its own rings or the disk is due.
template <Observer O>
u64 Machine<O>::steps_until_event(const Hart& hart) const {
  u64 when = schedule_.disk_due != 0 ? schedule_.disk_due : ~u64{0};
  if (const auto timer = timer_of(hart)) {
    if (*timer > schedule_.nanoseconds) when = std::min(when, *timer);
  }
  if (when == ~u64{0}) return when;
  if (when <= schedule_.nanoseconds) return 1;
  const u64 wait = when - schedule_.nanoseconds;
  if (wait > (u64{1} << 40)) return u64{1} << 40;
  return std::max<u64>(wait * schedule_.runnable - schedule_.remainder, 1);
}

template <Observer O>
void Machine<O>::run_slice(Hart& hart, u64 steps) {
  Interpreter<O>::run(*this, hart, steps);
  const u64 done = steps - hart.left;
  hart.granted = hart.left = 0;  // so that moment() counts no instruction twice
  hart.steps += done;
  schedule_.slice_left -= done;
  pass_time(done);
}

/// Brings the machine to where a hart can run; false when it can't, with the reason.
template <Observer O>
bool Machine<O>::slice_begins(WhenIdle when_idle, StopReason& reason) {
  while (true) {
    if (schedule_.disk_due != 0 && schedule_.nanoseconds >= schedule_.disk_due) {
      schedule_.disk_due = 0;
      block_.serve(*this);
      devices_touched_ = true;
    }
    if (devices_touched_) settle_devices();
    if (schedule_.slice_left == 0) next_turn();
    Hart& hart = harts_[schedule_.turn];
    if (hart.is_waiting && (hart.mie & (hart.software_pending | lines_of(hart, schedule_.nanoseconds))) != 0) {
      hart.is_waiting = false;
    }
    if (!hart.is_waiting) {
      schedule_.idle_turns = 0;
      return true;
    }
    schedule_.slice_left = 0;
    // With a seed turns may be taken twice: look at every hart before saying that all wait.
    if (++schedule_.idle_turns < configuration_.harts) continue;
    schedule_.idle_turns = 0;
    bool any_runs = false;
    for (u32 i = 0; i < configuration_.harts; ++i) {
      const Hart& other = harts_[i];
      any_runs |=
          !other.is_waiting || (other.mie & (other.software_pending | lines_of(other, schedule_.nanoseconds))) != 0;
    }
    if (any_runs) continue;
    const auto next = next_event();
    if (!next || when_idle == WhenIdle::stop) {
      if (next && *next <= schedule_.nanoseconds) continue;
      reason = StopReason::idle;
      return false;
    }
    advance_to(*next);
  }
}

template <Observer O>
StopReason Machine<O>::run(u64 steps, WhenIdle when_idle) {
  stop_requested_ = false;
  while (steps > 0) {
    if (finisher_.wish != Finisher::Wish::nothing) {
      return finisher_.wish == Finisher::Wish::reset ? StopReason::reset : StopReason::powered_off;
    }
    if (output_count_ > output_.size() / 2) return StopReason::output_full;
    StopReason reason{};
    if (!slice_begins(when_idle, reason)) return reason;
    Hart& hart = harts_[schedule_.turn];
    hart.granted = hart.left = 0;
    (void)take_interrupt(hart, hart.pc, 0);
    const u64 before = schedule_.steps;
    // No more than would fill the other half of what is printed: an instruction prints one byte at most.
    run_slice(hart, std::min({steps, schedule_.slice_left, steps_until_event(hart), u64{output_capacity / 2}}));
    steps -= schedule_.steps - before;
    if (stop_requested_) return StopReason::asked;
  }
  return StopReason::steps_done;
}

template <Observer O>
usize Machine<O>::feed(std::span<const u8> bytes) {
  devices_touched_ = true;
  return uart_.feed(bytes);
}

}  // namespace vellum
