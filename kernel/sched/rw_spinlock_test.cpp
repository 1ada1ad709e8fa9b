#include "sched/rw_spinlock_test.hpp"

#include <array>
#include <atomic>

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/spin.hpp"
#include "arch/riscv64/start.hpp"
#include "lib/format.hpp"
#include "sched/thread.hpp"
#include "sync/rw_spinlock.hpp"

// Four steps, each begun by all harts together: readers share; writers exclude each other; a writer excludes readers;
// a waiting writer gets in although readers keep coming. All state is static: stacks are not shared between threads.
namespace sched {

namespace {

using sync::RwSpinLock;

constexpr u32 rounds = 10000;
constexpr u64 limit_seconds = 60;  // a lock that hangs fails the test instead of the machine

RwSpinLock rw_lock;
std::atomic<u32> arrived{0};        // counts up over all barriers of all runs
std::atomic<u32> readers_inside{0};
std::atomic<u32> errors{0};
std::atomic<u32> writer_done{0};
u64 guarded_counter = 0;            // guarded by rw_lock
u64 guarded_copy = 0;

class Run {
 public:
  explicit Run(u32 harts) : harts_(harts), deadline_(arch::read_time() + limit_seconds * arch::timer_frequency()) {}

  /// Waits until all harts are here. The first wait yields: the threads of the others may not have begun, and may
  /// need this hart to do so; in the later ones every hart is in the kernel. False if killed or out of time.
  bool meet(bool may_yield) {
    const u32 ticket = arrived.fetch_add(1, std::memory_order_acq_rel);
    const u32 wanted = (ticket / harts_ + 1) * harts_;
    while (static_cast<i32>(arrived.load(std::memory_order_acquire) - wanted) < 0) {
      if (current().interrupted.load(std::memory_order_relaxed) != 0 || expired()) {
        arrived.fetch_sub(1, std::memory_order_relaxed);  // so that a later run counts right
        return false;
      }
      if (may_yield) yield();
      arch::spin_pause();
    }
    first_ = ticket % harts_ == 0;
    return true;
  }
  [[nodiscard]] bool expired() const { return arch::read_time() > deadline_; }
  /// One hart speaks, and the same one plays the writer.
  [[nodiscard]] bool first() const { return first_; }
  void announce(u32 step, const char* what) const {
    if (first_) lib::print("rwspinlock_test: step {}: {}\n", step, what);
  }

 private:
  u32 harts_;
  u64 deadline_;
  bool first_ = false;
};

/// All readers are inside at the same time, so nobody leaves before the last has come.
void readers_share(const Run& run, u32 harts) {
  rw_lock.lock_shared();
  readers_inside.fetch_add(1, std::memory_order_acq_rel);
  while (readers_inside.load(std::memory_order_acquire) < harts) {
    if (run.expired()) {
      errors.fetch_add(1);
      break;
    }
    arch::spin_pause();
  }
  rw_lock.unlock_shared();
}

void writers_exclude_each_other() {
  for (u32 i = 0; i < rounds; ++i) {
    rw_lock.lock();
    guarded_counter = guarded_counter + 1;
    rw_lock.unlock();
  }
}

/// The writer breaks and mends an equation; readers must never see it broken.
void writer_excludes_readers(const Run& run) {
  volatile u64& counter = guarded_counter;
  volatile u64& copy = guarded_copy;
  for (u32 i = 0; i < rounds; ++i) {
    if (run.first()) {
      rw_lock.lock();
      counter = counter + 1;
      copy = counter;
      rw_lock.unlock();
    } else {
      rw_lock.lock_shared();
      if (copy != counter) errors.fetch_add(1);
      rw_lock.unlock_shared();
    }
  }
}

/// Readers come and go without a pause until the writer has been inside.
void writer_is_not_starved(const Run& run) {
  if (run.first()) {
    rw_lock.lock();
    writer_done.store(1, std::memory_order_release);
    rw_lock.unlock();
    return;
  }
  while (writer_done.load(std::memory_order_acquire) == 0) {
    rw_lock.lock_shared();
    rw_lock.unlock_shared();
    if (run.expired()) {
      errors.fetch_add(1);
      return;
    }
  }
}

}  // namespace

bool rw_spinlock_test(u32 harts) {
  Run run(harts);
  if (!run.meet(true)) return false;
  if (run.first()) {
    errors.store(0);
    readers_inside.store(0);
    writer_done.store(0);
    guarded_counter = guarded_copy = 0;
  }
  run.announce(1, "readers share the lock");
  if (!run.meet(false)) return false;
  readers_share(run, harts);

  run.announce(2, "writers exclude each other");
  if (!run.meet(false)) return false;
  writers_exclude_each_other();
  if (!run.meet(false)) return false;
  if (run.first() && guarded_counter != u64{rounds} * harts) errors.fetch_add(1);
  if (run.first()) guarded_copy = guarded_counter;

  run.announce(3, "a writer excludes readers");
  if (!run.meet(false)) return false;
  writer_excludes_readers(run);

  run.announce(4, "a waiting writer is let in");
  if (!run.meet(false)) return false;
  writer_is_not_starved(run);
  if (!run.meet(false)) return false;
  return errors.load() == 0;
}

}  // namespace sched
