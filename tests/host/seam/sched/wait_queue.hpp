// SPDX-License-Identifier: MIT
#pragma once
// Host twin of kernel/sched/wait_queue.hpp over a condition variable. A host thread cannot be killed, so an
// interruptible wait ends with Woken::killed only after a test called host_kill_waiters.

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "sched/thread.hpp"
#include "sync/spinlock.hpp"

namespace sched {

enum class Interruptible { no, yes };

class WaitQueue {
 public:
  constexpr WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  /// Sleeps until woken. `guard` is held on entry, released while asleep, held again on return. No wake-up
  /// that comes after the release is lost; a spurious return is possible: the caller re-checks its condition.
  Woken wait(locks::SpinLock& guard, Interruptible interruptible) {
    std::unique_lock<std::mutex> inner(inner_);
    const std::uint64_t ticket = tail_++;
    const std::uint64_t kills = kills_;
    guard.unlock();
    const auto killed = [&] { return interruptible == Interruptible::yes && kills_ != kills; };
    condition_.wait(inner, [&] { return head_ > ticket || killed(); });
    const Woken result = head_ > ticket ? Woken::event : Woken::killed;
    if (result == Woken::killed) ++head_;  // its place in the queue is used up
    inner.unlock();
    guard.lock();
    return result;
  }

  /// Wakes the longest waiter, if there is one.
  void wake_one() {
    const std::lock_guard<std::mutex> inner(inner_);
    if (head_ < tail_) ++head_;
    condition_.notify_all();
  }

  /// Wakes every waiter.
  void wake_all() {
    const std::lock_guard<std::mutex> inner(inner_);
    head_ = tail_;
    condition_.notify_all();
  }

  [[nodiscard]] bool empty() {
    const std::lock_guard<std::mutex> inner(inner_);
    return head_ == tail_;
  }

  /// Host only: ends every interruptible wait as a kill would.
  void host_kill_waiters() {
    const std::lock_guard<std::mutex> inner(inner_);
    ++kills_;
    condition_.notify_all();
  }

 private:
  std::mutex inner_;
  std::condition_variable condition_;
  std::uint64_t head_ = 0;  // tickets below this are served
  std::uint64_t tail_ = 0;  // next ticket
  std::uint64_t kills_ = 0;
};

}  // namespace sched
