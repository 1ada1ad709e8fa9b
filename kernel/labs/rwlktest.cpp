// SPDX-License-Identifier: MIT
// The lock lab's test of reader/writer locks, called by four threads at the same time (xv6: rwlktest's kernel half).
// Four steps, each begun by all together: readers share; writers exclude each other; a writer excludes readers; a
// waiting writer gets in although readers keep coming.
//
// Any program may make the call, in any number, pinned to harts or not. So nobody waits without letting others run and
// without answering a hart that stops the others (RwSpinLock::pause), and nobody waits for ever: a caller that is
// killed, or has waited too long, ends the run for all. All state is static: stacks are not shared between threads.

#include <atomic>
#include <bit>

#include "arch/port.hpp"
#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/start.hpp"
#include "labs/handlers.hpp"
#include "labs/rw_spinlock.hpp"
#include "lib/format.hpp"
#include "syscall/call_table.hpp"

namespace lab {

namespace {

constexpr u32 callers = 4;
constexpr u32 rounds = 200;
constexpr u64 joining_seconds = 5;  // for the others to come
constexpr u64 running_seconds = 30;  // a run takes milliseconds, or seconds on harts that have much else to do

/// Of the run; the last caller to leave sets all to zero.
struct Run {
  std::atomic<u32> arrived{0};  ///< counts up over all meetings
  std::atomic<u32> readers_inside{0};
  std::atomic<u32> errors{0};
  std::atomic<u32> writer_done{0};
  std::atomic<u32> is_over{0};
  u64 counter = 0, copy = 0;  ///< guarded by `lock`

  void reset() {
    for (std::atomic<u32>* value : {&arrived, &readers_inside, &errors, &writer_done, &is_over}) value->store(0);
    counter = copy = 0;
  }
};

constinit Run run;
constinit RwSpinLock lock;

/// How many have joined and not left, and whether the run has begun: then nobody else may join.
std::atomic<u32> joined{0};
constexpr u32 has_begun = 1U << 31;

/// Whether waiting makes sense: the thread lives, and the time is not over.
bool may_wait(u64 deadline) {
  return sched::current().interrupted.load(std::memory_order_relaxed) == 0 && arch::read_time() <= deadline;
}

u64 deadline_in(u64 seconds) { return arch::read_time() + seconds * arch::timer_frequency(); }

/// The calling thread's part in a run.
class Caller {
 public:
  Caller() = default;
  ~Caller() {
    if (is_member_) leave();
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  /// Waits for the others. False: a run is on already, or they did not come.
  [[nodiscard]] bool join() {
    u32 seen = joined.load(std::memory_order_acquire);
    do {
      if ((seen & has_begun) != 0) return false;
    } while (!joined.compare_exchange_weak(seen, seen + 1 == callers ? callers | has_begun : seen + 1));
    is_member_ = true;
    is_first_ = seen == 0;
    deadline_ = deadline_in(joining_seconds);
    while ((joined.load(std::memory_order_acquire) & has_begun) == 0) {
      if (!may_wait(deadline_) && withdraw()) return false;
      RwSpinLock::pause();
    }
    deadline_ = deadline_in(running_seconds);
    return true;
  }

  /// Waits a little; false when the run is over for all.
  [[nodiscard]] bool wait() const {
    if (!may_wait(deadline_)) run.is_over.store(1);
    RwSpinLock::pause();
    return run.is_over.load() == 0;
  }

  /// Waits until all are here.
  [[nodiscard]] bool meet() const {
    const u32 wanted = (run.arrived.fetch_add(1, std::memory_order_acq_rel) / callers + 1) * callers;
    while (run.arrived.load(std::memory_order_acquire) < wanted) {
      if (!wait()) return false;
    }
    return true;
  }

  [[nodiscard]] bool begin_step(u32 step, const char* what) const {
    if (is_first_) lib::print("rwspinlock_test: step {}: {}\n", step, what);
    return meet();
  }
  /// The one who speaks, and who plays the writer.
  [[nodiscard]] bool is_first() const { return is_first_; }

 private:
  /// Gives the place up, unless the run has begun meanwhile.
  bool withdraw() {
    u32 seen = joined.load(std::memory_order_acquire);
    do {
      if ((seen & has_begun) != 0) return false;
    } while (!joined.compare_exchange_weak(seen, seen - 1));
    is_member_ = false;
    return true;
  }

  /// The last one out makes room for the next run.
  static void leave() {
    if (joined.fetch_sub(1, std::memory_order_acq_rel) != (has_begun | 1)) return;
    run.reset();
    joined.store(0, std::memory_order_release);
  }

  u64 deadline_ = 0;
  bool is_member_ = false;
  bool is_first_ = false;
};

/// All readers are inside at the same time: nobody leaves before the last has come.
void readers_share(const Caller& caller) {
  lock.lock_shared();
  run.readers_inside.fetch_add(1);
  while (run.readers_inside.load() < callers && caller.wait()) {
  }
  lock.unlock_shared();
}

void writers_exclude_each_other() {
  volatile u64& counter = run.counter;
  for (u32 i = 0; i < rounds; ++i) {
    lock.lock();
    counter = counter + 1;
    lock.unlock();
  }
}

/// The writer breaks and mends an equation; readers must never see it broken.
void writer_excludes_readers(const Caller& caller) {
  volatile u64& counter = run.counter;
  volatile u64& copy = run.copy;
  for (u32 i = 0; i < rounds; ++i) {
    if (caller.is_first()) {
      lock.lock();
      counter = counter + 1;
      copy = counter;
      lock.unlock();
    } else {
      lock.lock_shared();
      if (copy != counter) run.errors.fetch_add(1);
      lock.unlock_shared();
    }
  }
}

/// Readers come and go until the writer has been inside.
void writer_is_let_in(const Caller& caller) {
  if (caller.is_first()) {
    lock.lock();
    run.writer_done.store(1);
    lock.unlock();
    return;
  }
  do {
    lock.lock_shared();
    lock.unlock_shared();
  } while (run.writer_done.load() == 0 && caller.wait());
}

/// Whether this caller saw no error.
bool take_part() {
  Caller caller;
  if (!caller.join()) return false;
  if (!caller.begin_step(1, "readers share the lock")) return false;
  readers_share(caller);
  if (!caller.begin_step(2, "writers exclude each other")) return false;
  writers_exclude_each_other();
  if (!caller.meet()) return false;
  if (caller.is_first()) {
    if (run.counter != u64{rounds} * callers) run.errors.fetch_add(1);
    run.copy = run.counter;
  }
  if (!caller.begin_step(3, "a writer excludes readers")) return false;
  writer_excludes_readers(caller);
  if (!caller.begin_step(4, "a waiting writer is let in")) return false;
  writer_is_let_in(caller);
  return caller.meet() && run.errors.load() == 0;
}

}  // namespace

}  // namespace lab

u64 sys_rwlktest(process::Process&) {
  if (std::popcount(arch::started_harts()) < static_cast<i32>(lab::callers)) return calls::failed;
  return lab::take_part() ? 0 : calls::failed;
}

// (int reset). What a reset is was never told in public. Each run begins anew here, so there is nothing to do for a
// caller that comes alone; one among others takes part.
u64 sys_rwlktest_2026(process::Process& self) {
  const bool resets = self.frame().a0 != 0;
  return resets && lab::joined.load() == 0 ? 0 : sys_rwlktest(self);
}
