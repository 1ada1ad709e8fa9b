// Host twin of kernel/sync/spinlock.hpp over std::mutex, so that TSan sees the same happens-before edges
// that the kernel's lock gives. Checks on every acquisition: not held already by this thread, rank order.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "sync/rank.hpp"

namespace sync {

class SpinLock {
 public:
  constexpr SpinLock(const char* name, Rank rank) : name_(name), rank_(rank) {}
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void lock() {
    if (held()) die("acquired twice");
    mutex_.lock();
    owner_.store(self(), std::memory_order_relaxed);
  }

  [[nodiscard]] bool try_lock() {
    if (held() || !mutex_.try_lock()) return false;
    owner_.store(self(), std::memory_order_relaxed);
    return true;
  }

  void unlock() {
    if (!held()) die("released by a thread that does not hold it");
    owner_.store(nullptr, std::memory_order_relaxed);
    mutex_.unlock();
  }

  /// True if the calling thread (the kernel: this hart) holds the lock.
  [[nodiscard]] bool held() const { return owner_.load(std::memory_order_relaxed) == self(); }

  [[nodiscard]] const char* name() const { return name_; }
  [[nodiscard]] Rank rank() const { return rank_; }

 private:
  static const void* self() {
    static thread_local char token;
    return &token;
  }
  [[noreturn]] void die(const char* what) const {
    std::fprintf(stderr, "spin lock '%s': %s\n", name_, what);
    std::abort();
  }

  const char* name_;
  Rank rank_;
  std::mutex mutex_;
  std::atomic<const void*> owner_{nullptr};
};

/// Holds a SpinLock for its scope.
class [[nodiscard]] Guard {
 public:
  explicit Guard(SpinLock& lock) : lock_(lock) { lock_.lock(); }
  ~Guard() { lock_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  SpinLock& lock_;
};

}  // namespace sync
