// SPDX-License-Identifier: MIT
#pragma once
// Host twin of kernel/sync/spinlock.hpp over std::mutex, so that TSan sees exactly the happens-before edges that
// the kernel's lock gives. As the kernel's debug build does, each acquisition is checked: no lock twice by one
// thread, and ranks only upwards (a violation prints both names and aborts).

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>

#include "lib/types.hpp"
#include "sync/annotations.hpp"
#include "sync/rank.hpp"

namespace locks {

class SYNC_CAPABILITY("spin lock") SpinLock {
 public:
  constexpr SpinLock(const char* name, Rank rank) : name_(name), rank_(rank) {}
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void lock() SYNC_ACQUIRE() {
    if (before_lock) before_lock(*this);
    if (held()) die("acquired twice by one thread", name_);
    const SpinLock* top = held_top();
    if (top != nullptr && rank_ != Rank::unchecked && top->rank_ >= rank_) die("taken against rank under", top->name_);
    if (!mutex_.try_lock()) {
      contended_.fetch_add(1, std::memory_order_relaxed);
      mutex_.lock();
    }
    note_acquired();
  }

  [[nodiscard]] bool try_lock() SYNC_TRY_ACQUIRE(true) {
    if (held() || !mutex_.try_lock()) return false;
    note_acquired();
    return true;
  }

  void unlock() SYNC_RELEASE() {
    if (!held()) die("released by a thread that does not hold it", name_);
    note_released();
    owner_.store(nullptr, std::memory_order_relaxed);
    mutex_.unlock();
  }

  [[nodiscard]] const char* name() const { return name_; }
  [[nodiscard]] u64 acquires() const { return acquires_.load(std::memory_order_relaxed); }
  [[nodiscard]] u64 contended() const { return contended_.load(std::memory_order_relaxed); }

  /// Host only: called before this thread takes any lock, so that a test can hold it up there.
  static inline thread_local std::function<void(const SpinLock&)> before_lock;

  /// Host only: this thread holds the lock.
  [[nodiscard]] bool held() const { return owner_.load(std::memory_order_relaxed) == &held_list(); }

 private:
  friend class LockStatistics;

  struct HeldList {
    const SpinLock* lock[32];
    unsigned count = 0;
  };
  static HeldList& held_list() {
    static thread_local HeldList list;
    return list;
  }
  /// The ranked lock that this thread took last.
  static const SpinLock* held_top() {
    const HeldList& list = held_list();
    for (unsigned i = list.count; i > 0; --i) {
      if (list.lock[i - 1]->rank_ != Rank::unchecked) return list.lock[i - 1];
    }
    return nullptr;
  }

  void note_acquired() {
    HeldList& list = held_list();
    if (list.count == 32) die("is one of too many held at once", name_);
    list.lock[list.count++] = this;
    owner_.store(&list, std::memory_order_relaxed);
    acquires_.fetch_add(1, std::memory_order_relaxed);
  }
  void note_released() const {
    HeldList& list = held_list();
    unsigned at = list.count;
    while (list.lock[at - 1] != this) --at;
    for (; at < list.count; ++at) list.lock[at - 1] = list.lock[at];
    --list.count;
  }
  [[noreturn]] void die(const char* what, const char* other) const {
    std::fprintf(stderr, "spin lock '%s' %s '%s'\n", name_, what, other);
    std::abort();
  }

  const char* name_;
  Rank rank_;
  std::mutex mutex_;
  std::atomic<const void*> owner_{nullptr};
  std::atomic<u64> acquires_{0};
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

/// The locks that the statistics device reports.
class LockStatistics {
 public:
  static void publish(SpinLock& lock) {
    lock.next_listed_ = head_;
    head_ = &lock;
  }
  [[nodiscard]] static SpinLock* first() { return head_; }
  [[nodiscard]] static SpinLock* next(const SpinLock& lock) { return lock.next_listed_; }
  static void reset() {
    for (SpinLock* lock = head_; lock != nullptr; lock = lock->next_listed_) {
      lock->acquires_ = 0;
      lock->contended_ = 0;
    }
  }

 private:
  static inline SpinLock* head_ = nullptr;
};

}  // namespace locks
