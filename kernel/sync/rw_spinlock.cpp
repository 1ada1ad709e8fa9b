#include "sync/rw_spinlock.hpp"

#include "arch/riscv64/spin.hpp"

namespace sync {

void RwSpinLock::lock_shared() {
  while (true) {
    while (writers_waiting_.load(std::memory_order_relaxed) != 0) arch::spin_pause();
    u32 seen = state_.load(std::memory_order_relaxed);
    if ((seen & writer_inside) == 0 &&
        state_.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      return;
    }
  }
}

void RwSpinLock::lock() {
  writers_waiting_.fetch_add(1, std::memory_order_relaxed);
  while (true) {
    u32 nobody = 0;
    if (state_.compare_exchange_weak(nobody, writer_inside, std::memory_order_acquire, std::memory_order_relaxed)) {
      break;
    }
    arch::spin_pause();
  }
  writers_waiting_.fetch_sub(1, std::memory_order_relaxed);
}

void RwSpinLock::unlock() { state_.store(0, std::memory_order_release); }

}  // namespace sync
