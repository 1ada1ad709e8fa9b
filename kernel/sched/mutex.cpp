// SPDX-License-Identifier: MIT
#include "sched/mutex.hpp"

namespace sched {

// Who waits leaves `contended` behind before it sleeps, under guard_. The holder's exchange in unlock() then sees it
// and takes guard_ to wake, so the sleeper is in the queue by then. After waking we take the lock as `contended`,
// since others may still sleep: at worst one wake-up of an empty queue.
void Mutex::lock_contended() {
  locks::Guard guard(guard_);
  while (word_.exchange(contended, std::memory_order_acquire) != free) {
    (void)queue_.wait(guard_, Interruptible::no);
  }
}

void Mutex::wake_next() {
  locks::Guard guard(guard_);
  queue_.wake_one();
}

}  // namespace sched
