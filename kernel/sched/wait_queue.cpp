// SPDX-License-Identifier: MIT
#include "sched/wait_queue.hpp"

#include <array>

#include "sched/hart_state.hpp"

namespace sched {

namespace {

/// The second locks of all wait queues, by hash: a killer can take one without knowing whether the queue still exists.
struct alignas(64) Bucket {
  locks::SpinLock lock{"wait_queue", locks::Rank::wait_queue};
};
constexpr usize bucket_count = 64;
std::array<Bucket, bucket_count> buckets;

locks::SpinLock& bucket_of(const WaitQueue* queue) {
  const u64 address = reinterpret_cast<u64>(queue);
  return buckets[(address >> 4 ^ address >> 10) % bucket_count].lock;
}

}  // namespace

// Sleeper and killer can't miss each other: the sleeper publishes waiting_in and then reads `interrupted`, the killer
// sets `interrupted` and then reads waiting_in, with a full fence between the two steps on both sides.
Woken WaitQueue::wait(locks::SpinLock& guard, Interruptible interruptible) {
  Thread& self = current();
  locks::SpinLock& bucket = bucket_of(this);
  bucket.lock();
  self.wait_interruptible = interruptible == Interruptible::yes;
  self.woken = Woken::event;
  self.state.store(State::sleeping, std::memory_order_relaxed);
  sleepers_.push_back(self);
  self.waiting_in.store(this, std::memory_order_relaxed);
  if (interruptible == Interruptible::yes) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (self.interrupted.load(std::memory_order_relaxed) != 0) {
      sleepers_.erase(self);
      self.waiting_in.store(nullptr, std::memory_order_relaxed);
      self.state.store(State::running, std::memory_order_relaxed);
      bucket.unlock();
      return Woken::killed;
    }
  }
  bucket.unlock();
  guard.unlock();
  // From here on a waker may have queued us, even on another hart, which leaves us alone until on_cpu is 0.
  leave_hart();
  guard.lock();
  return self.woken;
}

void WaitQueue::wake_first() {
  locks::SpinLock& bucket = bucket_of(this);
  bucket.lock();
  Thread* thread = sleepers_.pop_front();
  if (thread != nullptr) {
    thread->waiting_in.store(nullptr, std::memory_order_relaxed);
    thread->state.store(State::runnable, std::memory_order_relaxed);
  }
  bucket.unlock();
  if (thread != nullptr) make_runnable(*thread);
}

void WaitQueue::wake(Thread& thread) {
  locks::SpinLock& bucket = bucket_of(this);
  bucket.lock();
  const bool waits = thread.waiting_in.load(std::memory_order_relaxed) == this;
  if (waits) {
    sleepers_.erase(thread);
    thread.waiting_in.store(nullptr, std::memory_order_relaxed);
    thread.state.store(State::runnable, std::memory_order_relaxed);
  }
  bucket.unlock();
  if (waits) make_runnable(thread);
}

void interrupt(Thread& thread) {
  thread.interrupted.store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  while (WaitQueue* queue = thread.waiting_in.load(std::memory_order_relaxed)) {
    locks::SpinLock& bucket = bucket_of(queue);
    bucket.lock();
    if (thread.waiting_in.load(std::memory_order_relaxed) != queue) {  // it woke meanwhile; look again
      bucket.unlock();
      continue;
    }
    // While it waits in `queue`, the object around the queue is alive.
    const bool wakes = thread.wait_interruptible;
    if (wakes) {
      queue->sleepers_.erase(thread);
      thread.waiting_in.store(nullptr, std::memory_order_relaxed);
      thread.woken = Woken::killed;
      thread.state.store(State::runnable, std::memory_order_relaxed);
    }
    bucket.unlock();
    if (wakes) make_runnable(thread);
    return;
  }
}

}  // namespace sched
