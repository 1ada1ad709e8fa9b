// SPDX-License-Identifier: MIT
#pragma once
// Sleeping until something happens. Host builds have a twin of this header (tests/host/seam).

#include "lib/intrusive_list.hpp"
#include "lib/types.hpp"
#include "sched/thread.hpp"
#include "sync/spinlock.hpp"

namespace sched {

enum class Interruptible { no, yes };

/// The threads that wait for one condition (xv6: a sleep channel). Embedded in the object that the condition is
/// about; nobody scans the process table.
///
/// The condition and the queue are guarded by one spin lock of the owner, `guard`: who sleeps holds it while testing
/// the condition and entering the queue, who wakes holds it while changing the condition and calling wake. So no
/// wake-up falls between test and sleep. Only kill comes without `guard`; for it the list has a second, short lock,
/// taken from a static array by hashing the queue's address, so that a killer never touches a lock inside an
/// object that may be freed.
///
/// A queue lies in memory that every table maps alike, never on a kernel stack: in the view `mirrored` all processes
/// have their stacks at the same address.
class WaitQueue {
 public:
  constexpr WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  /// Sleeps until woken. `guard` is held on entry, released while asleep, held again on return. A killed thread
  /// does not sleep when interruptible. Re-check the condition: another thread may have been faster.
  Woken wait(locks::SpinLock& guard, Interruptible interruptible) SYNC_REQUIRES(guard);

  /// Makes the longest waiter runnable; `guard` is held.
  void wake_one() {
    if (!sleepers_.empty()) wake_first();
  }
  /// Makes all waiters runnable; `guard` is held.
  void wake_all() {
    while (!sleepers_.empty()) wake_first();
  }
  /// Makes this thread runnable if it is one of the waiters; `guard` is held.
  void wake(Thread& thread);
  [[nodiscard]] bool empty() const { return sleepers_.empty(); }

 private:
  friend void interrupt(Thread& thread);
  void wake_first();
  lib::IntrusiveList<Thread, &Thread::wait_link> sleepers_;
};

}  // namespace sched
