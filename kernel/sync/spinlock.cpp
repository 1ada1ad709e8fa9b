// SPDX-License-Identifier: MIT
#include "sync/spinlock.hpp"

#include "arch/riscv64/hart.hpp"
#include "arch/riscv64/spin.hpp"
#include "lib/bug.hpp"

namespace locks {

namespace {

SpinLock* first_listed = nullptr;

}  // namespace

void sync_spin_until_taken(SpinLock& lock) {
  u64 failures = 1;
  while (true) {
    // Read until it looks free, so that waiting harts share the line instead of fighting for it.
    while (lock.word_.load(std::memory_order_relaxed) != 0) arch::spin_pause();
    if (lock.word_.exchange(1, std::memory_order_acquire) == 0) break;
    ++failures;
  }
  // Only the holder writes it.
  lock.contended_.store(lock.contended_.load(std::memory_order_relaxed) + failures, std::memory_order_relaxed);
}

#if BIFOLIUM_DEBUG

namespace {

/// The spin locks that one hart holds, in the order in which it took them.
struct alignas(64) HeldLocks {
  static constexpr u32 capacity = 16;
  SpinLock* locks[capacity];
  u32 count = 0;
};
HeldLocks held_locks[arch::max_hart_count];

}  // namespace

void SpinLock::note_acquired() {
  HeldLocks& held = held_locks[arch::current_thread()->hart];
  for (u32 i = 0; i < held.count; ++i) {
    if (held.locks[i] == this) lib::bug("spin lock taken twice by one hart");
    if (rank_ != Rank::unchecked && held.locks[i]->rank_ >= rank_) {
      held.locks[held.count] = nullptr;
      lib::bug("spin lock taken against the order of ranks");
    }
  }
  if (held.count == HeldLocks::capacity) lib::bug("too many spin locks held");
  held.locks[held.count++] = this;
}

void SpinLock::note_released() {
  HeldLocks& held = held_locks[arch::current_thread()->hart];
  for (u32 i = held.count; i-- > 0;) {
    if (held.locks[i] != this) continue;
    for (; i + 1 < held.count; ++i) held.locks[i] = held.locks[i + 1];
    --held.count;
    return;
  }
  lib::bug("spin lock released by a hart that does not hold it");
}

#endif

void LockStatistics::publish(SpinLock& lock) {
  lock.next_listed_ = first_listed;
  first_listed = &lock;
}

SpinLock* LockStatistics::first() { return first_listed; }

}  // namespace locks
