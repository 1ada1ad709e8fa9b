#include "sched/rw_spinlock_test.hpp"

#include <atomic>
#include <bit>

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/spin.hpp"
#include "arch/riscv64/start.hpp"
#include "lib/format.hpp"
#include "sched/thread.hpp"
#include "sync/rw_spinlock.hpp"

// Four steps, each begun by all harts together: readers share; writers exclude each other; a writer excludes readers;
// a waiting writer gets in although readers keep coming. All state is static: stacks are not shared between threads.
//
// Any program may make the call, in any number, so the harts that take part are settled before one of them spins:
// each member holds a hart of its own, in the kernel, where nobody preempts it. The lab's program starts its four
// callers wherever they happen to run, so one that meets another on its hart goes to a hart that is free. Whoever
// can't be a member waits where others may run, or is refused.
namespace sched {

namespace {

using sync::RwSpinLock;

constexpr u32 rounds = 200;
constexpr u64 joining_seconds = 5;  // for the others' threads to begin
// A lock that hangs fails the test instead of the machine. A run takes milliseconds, and seconds under a QEMU that gets
// little of its host: a hart that does not run keeps all others waiting at every step.
constexpr u64 running_seconds = 30;

/// The harts that are members, a bit each, and whether the run has begun. Zero: no test.
std::atomic<u32> membership{0};
constexpr u32 has_begun = 1U << 31;

// Of the run; its last member to join sets them to zero.
std::atomic<u32> arrived{0};  // counts up over all barriers
std::atomic<u32> readers_inside{0};
std::atomic<u32> errors{0};
std::atomic<u32> writer_done{0};
std::atomic<u32> is_broken_off{0};
RwSpinLock rw_lock;
u64 guarded_counter = 0;  // guarded by rw_lock
u64 guarded_copy = 0;

u64 deadline_in(u64 seconds) { return arch::read_time() + seconds * arch::timer_frequency(); }

void begin_run() {
  for (std::atomic<u32>* value : {&arrived, &readers_inside, &errors, &writer_done, &is_broken_off}) value->store(0);
  guarded_counter = guarded_copy = 0;
}

/// Keeps the thread on the hart where it is, or where it goes from there.
class StayHere {
 public:
  StayHere() : before_(current().pin) { current().pin = static_cast<i32>(current().hart); }
  ~StayHere() { current().pin = before_; }
  StayHere(const StayHere&) = delete;
  StayHere& operator=(const StayHere&) = delete;

  /// Whether the program has left it to the kernel on which hart it runs.
  [[nodiscard]] bool may_move() const { return before_ == any_hart; }

 private:
  i32 before_;
};

/// The calling hart's part in a test.
class Member {
 public:
  Member(u32 harts, const StayHere& place) : place_(place), harts_(harts) {}
  ~Member() { leave(); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  /// Waits until all members are here, while others may use the hart. False if a test is running already, the hart that
  /// the thread is pinned to has its member, the thread was killed, or the others did not come.
  [[nodiscard]] bool join() {
    if (!enter()) return false;
    const u64 deadline = deadline_in(joining_seconds);
    while ((membership.load(std::memory_order_acquire) & has_begun) == 0) {
      if (current().interrupted.load(std::memory_order_relaxed) != 0 || arch::read_time() > deadline) {
        if (withdraw()) return false;
        continue;  // too late to go: the last one came in between
      }
      give_way();
      yield();
    }
    deadline_ = deadline_in(running_seconds);
    const u32 members = membership.load(std::memory_order_relaxed) & ~has_begun;
    is_first_ = (members & -members) == bit_;
    return true;
  }

  /// Waits until all members are here. Every one is in the kernel on a hart of its own, so this takes no time.
  [[nodiscard]] bool meet() {
    const u32 ticket = arrived.fetch_add(1, std::memory_order_acq_rel);
    const u32 wanted = (ticket / harts_ + 1) * harts_;
    while (arrived.load(std::memory_order_acquire) < wanted) {
      if (is_over()) return false;
      arch::spin_pause();
    }
    return true;
  }

  /// Whether the run must be given up; then every member gives it up.
  [[nodiscard]] bool is_over() const {
    if (arch::read_time() > deadline_) is_broken_off.store(1);
    return is_broken_off.load(std::memory_order_relaxed) != 0;
  }
  /// One hart speaks, and the same one plays the writer.
  [[nodiscard]] bool is_first() const { return is_first_; }

  [[nodiscard]] bool begin_step(u32 step, const char* what) {
    if (is_first_) lib::print("rwspinlock_test: step {}: {}\n", step, what);
    return meet();
  }

 private:
  /// Takes the place of a hart: of this one, or if it is taken of the first that is free.
  bool enter() {
    u32 seen = membership.load(std::memory_order_acquire);
    while ((seen & has_begun) == 0) {
      bit_ = 1U << current().hart;
      if ((seen & bit_) != 0) {
        if (!move_on(arch::started_harts() & ~seen)) return false;
        seen = membership.load(std::memory_order_acquire);
        continue;
      }
      u32 wanted = seen | bit_;
      if (std::popcount(wanted) == static_cast<i32>(harts_)) {
        begin_run();
        wanted |= has_begun;
      }
      is_member_ = membership.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel);
      if (is_member_) return true;
    }
    return false;
  }

  bool move_on(u32 free_harts) {
    if (!place_.may_move() || free_harts == 0) return false;
    if (current().interrupted.load(std::memory_order_relaxed) != 0) return false;
    pin_current(std::countr_zero(free_harts));
    return true;
  }

  /// Gives the place up, unless the run has begun.
  bool withdraw() {
    u32 seen = membership.load(std::memory_order_acquire);
    do {
      if ((seen & has_begun) != 0) return false;
    } while (!membership.compare_exchange_weak(seen, seen & ~bit_, std::memory_order_acq_rel));
    is_member_ = false;
    return true;
  }

  /// The last one out ends the run.
  void leave() {
    if (!is_member_) return;
    u32 seen = membership.load(std::memory_order_acquire);
    u32 wanted = 0;
    do {
      wanted = seen & ~bit_;
      if (wanted == has_begun) wanted = 0;
    } while (!membership.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel));
  }

  const StayHere& place_;
  u32 harts_;
  u32 bit_ = 0;
  u64 deadline_ = 0;
  bool is_member_ = false;
  bool is_first_ = false;
};

/// All readers are inside at the same time, so nobody leaves before the last has come.
void readers_share(const Member& member, u32 harts) {
  rw_lock.lock_shared();
  readers_inside.fetch_add(1, std::memory_order_acq_rel);
  while (readers_inside.load(std::memory_order_acquire) < harts) {
    if (member.is_over()) {
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
void writer_excludes_readers(const Member& member) {
  volatile u64& counter = guarded_counter;
  volatile u64& copy = guarded_copy;
  for (u32 i = 0; i < rounds; ++i) {
    if (member.is_first()) {
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
void writer_is_not_starved(const Member& member) {
  if (member.is_first()) {
    rw_lock.lock();
    writer_done.store(1, std::memory_order_release);
    rw_lock.unlock();
    return;
  }
  while (writer_done.load(std::memory_order_acquire) == 0) {
    rw_lock.lock_shared();
    rw_lock.unlock_shared();
    if (member.is_over()) {
      errors.fetch_add(1);
      return;
    }
  }
}

}  // namespace

bool rw_spinlock_test(u32 harts) {
  const StayHere place;
  Member member(harts, place);
  if (!member.join()) return false;

  if (!member.begin_step(1, "readers share the lock")) return false;
  readers_share(member, harts);

  if (!member.begin_step(2, "writers exclude each other")) return false;
  writers_exclude_each_other();
  if (!member.meet()) return false;
  if (member.is_first()) {
    if (guarded_counter != u64{rounds} * harts) errors.fetch_add(1);
    guarded_copy = guarded_counter;
  }

  if (!member.begin_step(3, "a writer excludes readers")) return false;
  writer_excludes_readers(member);

  if (!member.begin_step(4, "a waiting writer is let in")) return false;
  writer_is_not_starved(member);
  return member.meet() && errors.load() == 0;
}

}  // namespace sched
