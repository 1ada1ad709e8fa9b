// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "lib/types.hpp"
#include "sched/thread.hpp"
#include "sync/annotations.hpp"

namespace lab {

/// Many readers or one writer (lock lab 2025: rwspinlock). Readers count; a writer announces itself first, so that a
/// stream of readers cannot starve it, and then waits until the readers that were inside have left. Who waits answers
/// other harts and lets others run, so a holder may be anywhere.
class SYNC_CAPABILITY("reader/writer spin lock") RwSpinLock {
 public:
  void lock_shared() {
    for (;; pause()) {
      u32 seen = state_.load(std::memory_order_relaxed);
      if (writers_waiting_.load(std::memory_order_relaxed) != 0 || seen == writer_inside) continue;
      if (state_.compare_exchange_strong(seen, seen + 1, std::memory_order_acquire)) return;
    }
  }
  void unlock_shared() { state_.fetch_sub(1, std::memory_order_release); }

  void lock() {
    writers_waiting_.fetch_add(1, std::memory_order_relaxed);
    for (u32 nobody = 0; !state_.compare_exchange_strong(nobody, writer_inside, std::memory_order_acquire);
         nobody = 0) {
      pause();
    }
    writers_waiting_.fetch_sub(1, std::memory_order_relaxed);
  }
  void unlock() { state_.store(0, std::memory_order_release); }

  static void pause() {
    sched::give_way();
    sched::yield();
  }

 private:
  static constexpr u32 writer_inside = ~u32{0};
  std::atomic<u32> state_{0};  ///< writer_inside, or the number of readers
  std::atomic<u32> writers_waiting_{0};
};

}  // namespace lab
