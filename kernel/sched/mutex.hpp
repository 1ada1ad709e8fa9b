// SPDX-License-Identifier: MIT
#pragma once
// A lock that may be held across a sleep. Host builds have a twin of this header (tests/host/seam).

#include <atomic>

#include "sched/wait_queue.hpp"

namespace sched {

/// A sleeping lock (xv6: struct sleeplock). Free of contention it is one atomic operation each way.
class SYNC_CAPABILITY("mutex") Mutex {
 public:
  constexpr explicit Mutex(const char* name = "mutex") : guard_(name, locks::Rank::guard) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() SYNC_ACQUIRE() {
    u32 expected = free;
    if (!word_.compare_exchange_strong(expected, taken, std::memory_order_acquire, std::memory_order_relaxed))
        [[unlikely]] {
      lock_contended();
    }
    owner_.store(&current(), std::memory_order_relaxed);
  }

  [[nodiscard]] bool try_lock() SYNC_TRY_ACQUIRE(true) {
    u32 expected = free;
    if (!word_.compare_exchange_strong(expected, taken, std::memory_order_acquire, std::memory_order_relaxed))
      return false;
    owner_.store(&current(), std::memory_order_relaxed);
    return true;
  }

  void unlock() SYNC_RELEASE() {
    owner_.store(nullptr, std::memory_order_relaxed);
    if (word_.exchange(free, std::memory_order_release) == contended) [[unlikely]]
      wake_next();
  }

  /// The calling thread holds it.
  [[nodiscard]] bool held() const { return owner_.load(std::memory_order_relaxed) == &current(); }

 private:
  static constexpr u32 free = 0, taken = 1, contended = 2;  ///< contended: taken, and someone may sleep
  void lock_contended();
  void wake_next();

  std::atomic<u32> word_{free};
  std::atomic<const Thread*> owner_{nullptr};
  locks::SpinLock guard_;
  WaitQueue queue_ SYNC_GUARDED_BY(guard_);
};

/// Holds a Mutex for a scope.
class SYNC_SCOPED_CAPABILITY MutexGuard {
 public:
  explicit MutexGuard(Mutex& mutex) SYNC_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexGuard() SYNC_RELEASE() { mutex_.unlock(); }
  MutexGuard(const MutexGuard&) = delete;
  MutexGuard& operator=(const MutexGuard&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace sched
