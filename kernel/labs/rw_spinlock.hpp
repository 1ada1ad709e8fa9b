#pragma once
// A reader/writer spin lock in which a waiting writer keeps new readers out (lock lab 2025: rwspinlock).

#include <atomic>

#include "lib/types.hpp"
#include "sync/annotations.hpp"

namespace sync {

/// Many readers or one writer. Readers count in the low bits; a writer announces itself first, so that a
/// stream of readers can't starve it, and then waits until the readers that were inside have left.
class SYNC_CAPABILITY("reader/writer spin lock") RwSpinLock {
 public:
  constexpr RwSpinLock() = default;
  RwSpinLock(const RwSpinLock&) = delete;
  RwSpinLock& operator=(const RwSpinLock&) = delete;

  void lock_shared();
  void unlock_shared() { state_.fetch_sub(1, std::memory_order_release); }
  void lock();
  void unlock();

 private:
  static constexpr u32 writer_inside = 1U << 31;
  std::atomic<u32> state_{0};            ///< writer_inside, or the number of readers
  std::atomic<u32> writers_waiting_{0};  ///< readers hold back while this is not zero
};

}  // namespace sync
