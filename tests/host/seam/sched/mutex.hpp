// SPDX-License-Identifier: MIT
#pragma once
// Host twin of kernel/sched/mutex.hpp (a sleeping lock) over std::mutex.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace sched {

class Mutex {
 public:
  constexpr explicit Mutex(const char* name = "mutex") : name_(name) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() {
    if (held()) {
      std::fprintf(stderr, "mutex '%s': acquired twice by one thread\n", name_);
      std::abort();
    }
    mutex_.lock();
    owner_.store(self(), std::memory_order_relaxed);
  }

  [[nodiscard]] bool try_lock() {
    if (held() || !mutex_.try_lock()) return false;
    owner_.store(self(), std::memory_order_relaxed);
    return true;
  }

  void unlock() {
    if (!held()) {
      std::fprintf(stderr, "mutex '%s': released by a thread that does not hold it\n", name_);
      std::abort();
    }
    owner_.store(nullptr, std::memory_order_relaxed);
    mutex_.unlock();
  }

  /// True if the calling thread holds the mutex.
  [[nodiscard]] bool held() const { return owner_.load(std::memory_order_relaxed) == self(); }

 private:
  static const void* self() {
    static thread_local char token;
    return &token;
  }

  const char* name_;
  std::mutex mutex_;
  std::atomic<const void*> owner_{nullptr};
};

/// Holds a Mutex for its scope.
class [[nodiscard]] MutexGuard {
 public:
  explicit MutexGuard(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexGuard() { mutex_.unlock(); }
  MutexGuard(const MutexGuard&) = delete;
  MutexGuard& operator=(const MutexGuard&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace sched
