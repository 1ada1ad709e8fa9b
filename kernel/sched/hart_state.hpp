// SPDX-License-Identifier: MIT
#pragma once
// What sched keeps for each hart. Private to this folder.

#include <atomic>

#include "arch/riscv64/hart.hpp"
#include "sched/thread.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

namespace sched {

struct alignas(64) HartState {
  locks::SpinLock lock{"run_queue", locks::Rank::run_queue};
  lib::IntrusiveList<Thread, &Thread::run_link> queue SYNC_GUARDED_BY(lock);
  std::atomic<u32> length{0};  ///< of queue; written under the lock, read by anyone as a hint
  bool reschedule = false;     ///< touched by its own hart alone
  std::atomic<u64> switches{0};  ///< written by its own hart alone

  locks::SpinLock sleep_lock{"sleep", locks::Rank::guard};
  lib::IntrusiveList<Thread, &Thread::sleep_link> sleepers SYNC_GUARDED_BY(sleep_lock);  ///< by wake_tick
  WaitQueue sleeping SYNC_GUARDED_BY(sleep_lock);
};

extern HartState hart_states[arch::max_hart_count];

/// Puts a thread that was just taken out of a wait queue into a run queue.
void make_runnable(Thread& thread);
/// Switches to another thread; the current one is in a wait queue.
void leave_hart();
/// The tick wants the current thread to make room.
void request_reschedule();
/// Answers to a hart that stops the others (StoppedHarts), and waits until it lets them go on.
void wait_while_stopped();
/// Sets this hart's timer: to the next tick while it runs threads; while it is idle to its first sleeper's, or to what
/// the housekeeping asks for if that is sooner.
void arm_tick();
void arm_for_sleepers();

}  // namespace sched
