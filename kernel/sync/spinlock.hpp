// SPDX-License-Identifier: MIT
#pragma once
// Spin locks for the short sections between harts. Host builds have a twin of this header (tests/host/seam).
//
// The kernel runs with interrupts off, so a holder is never preempted and nothing has to be pushed or popped
// (xv6: push_off, pop_off). A spin lock is never held across a sleep or a switch.

#include <atomic>

#include "lib/types.hpp"
#include "sync/annotations.hpp"
#include "sync/rank.hpp"

namespace locks {

class SpinLock;

/// Spins until the lock is ours; counts the failures. For lock.S.
extern "C" void sync_spin_until_taken(SpinLock& lock);

/// A test-and-set lock that counts (xv6: struct spinlock, acquire, release, holding).
class SYNC_CAPABILITY("spin lock") SpinLock {
 public:
  constexpr SpinLock(const char* name, Rank rank) : rank_(rank), name_(name) {}
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void lock() SYNC_ACQUIRE() {
    if (word_.exchange(1, std::memory_order_acquire) != 0) [[unlikely]]
      wait_until_taken();
    ++acquires_;  // under the lock: no atomic needed
#if BIFOLIUM_DEBUG
    note_acquired();
#endif
  }

  [[nodiscard]] bool try_lock() SYNC_TRY_ACQUIRE(true) {
    if (word_.exchange(1, std::memory_order_acquire) != 0) return false;
    ++acquires_;
#if BIFOLIUM_DEBUG
    note_acquired();
#endif
    return true;
  }

  void unlock() SYNC_RELEASE() {
#if BIFOLIUM_DEBUG
    note_released();
#endif
    word_.store(0, std::memory_order_release);
  }

  [[nodiscard]] const char* name() const { return name_; }
  /// How often it was taken.
  [[nodiscard]] u64 acquires() const { return acquires_; }
  /// How many test-and-sets failed while spinning.
  [[nodiscard]] u64 contended() const { return contended_.load(std::memory_order_relaxed); }

 private:
  friend class LockStatistics;
  friend void sync_spin_until_taken(SpinLock& lock);

  /// The rare way, through assembly that keeps every register: so a function that locks stays as cheap as one that
  /// calls nothing (lock.S).
  void wait_until_taken() {
    register SpinLock* lock asm("t1") = this;
    asm volatile("call t0, sync_wait_until_taken" : : "r"(lock) : "t0", "memory");
  }
  void note_acquired();
  void note_released();

  std::atomic<u32> word_{0};
  Rank rank_;
  const char* name_;
  u64 acquires_ = 0;
  std::atomic<u64> contended_{0};
  SpinLock* next_listed_ = nullptr;
};

/// Holds a spin lock for a scope.
class SYNC_SCOPED_CAPABILITY Guard {
 public:
  explicit Guard(SpinLock& lock) SYNC_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
  ~Guard() SYNC_RELEASE() { lock_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  SpinLock& lock_;
};

/// The locks whose counters may be looked at.
class LockStatistics {
 public:
  /// Adds a lock that lives for ever to the list; at boot only.
  static void publish(SpinLock& lock);
  [[nodiscard]] static SpinLock* first();
  [[nodiscard]] static SpinLock* next(const SpinLock& lock) { return lock.next_listed_; }
};

}  // namespace locks
