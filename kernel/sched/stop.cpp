// SPDX-License-Identifier: MIT
#include "sched/stop.hpp"

#include <array>
#include <atomic>

#include "arch/riscv64/spin.hpp"
#include "arch/riscv64/start.hpp"
#include "sched/hart_state.hpp"

namespace sched {

namespace {

/// Counts up at each stop and each release: odd while the harts are stopped. A stopped hart answers with the number,
/// so that an answer to an old stop is not taken for one to a new.
std::atomic<u32> stop_number{0};
std::array<std::atomic<u32>, arch::max_hart_count> answers;

bool is_stop(u32 number) { return number % 2 == 1; }

/// All others that run have answered. A hart that has just started sees the stop by itself: it is in
/// started_harts() before it first looks, and we look there after the number was set.
bool have_all_answered(u32 ticket) {
  const u32 others = arch::started_harts() & ~(1U << current().hart);
  for (u32 hart = 0; hart < arch::max_hart_count; ++hart) {
    if ((others >> hart & 1) != 0 && answers[hart].load(std::memory_order_acquire) != ticket) return false;
  }
  return true;
}

}  // namespace

void wait_while_stopped() {
  const u32 number = stop_number.load(std::memory_order_seq_cst);
  if (!is_stop(number)) [[likely]]
    return;
  answers[current().hart].store(number, std::memory_order_release);
  while (stop_number.load(std::memory_order_acquire) == number) arch::spin_pause();
}

StoppedHarts::StoppedHarts() {
  u32 before = stop_number.load(std::memory_order_relaxed);
  while (is_stop(before) || !stop_number.compare_exchange_weak(before, before + 1, std::memory_order_seq_cst)) {
    wait_while_stopped();
    before = stop_number.load(std::memory_order_relaxed);
  }
  ticket_ = before + 1;
  const u32 others = arch::started_harts() & ~(1U << current().hart);
  for (u32 hart = 0; hart < arch::max_hart_count; ++hart) {
    if ((others >> hart & 1) != 0) arch::send_interrupt(hart);
  }
  while (!have_all_answered(ticket_)) arch::spin_pause();
}

StoppedHarts::~StoppedHarts() { stop_number.store(ticket_ + 1, std::memory_order_release); }

}  // namespace sched
