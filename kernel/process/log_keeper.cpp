// SPDX-License-Identifier: MIT
#include "process/log_keeper.hpp"

#include <array>

#include "abi/layout.hpp"
#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/start.hpp"
#include "fs/log_watch.hpp"
#include "sched/thread.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

namespace process {

namespace {

/// The file system sleeps while it waits for the disk, and an idle thread must not sleep: so the harts look at the log
/// when they idle or tick, and a thread of its own does the work.
class LogKeeper {
 public:
  constexpr LogKeeper() = default;
  void start(fs::Log& log);
  [[nodiscard]] u64 look();

 private:
  [[noreturn]] void run();

  fs::Log* log_ = nullptr;
  locks::SpinLock lock_{"log keeper", locks::Rank::log};
  fs::LogWatch watch_ SYNC_GUARDED_BY(lock_);
  sched::WaitQueue due_ SYNC_GUARDED_BY(lock_);
  sched::Thread thread_;
  alignas(16) std::array<std::byte, 2 * abi::page_size> stack_{};
};

constinit LogKeeper keeper;

void LogKeeper::start(fs::Log& log) {
  log_ = &log;
  thread_.name = "log keeper";
  const u64 bottom = reinterpret_cast<u64>(stack_.data());
  sched::prepare(thread_, bottom, bottom + stack_.size(), [](void*) { keeper.run(); }, nullptr);
  sched::start(thread_);
  sched::add_housekeeping([] { return keeper.look(); });
}

u64 LogKeeper::look() {
  if (log_->rest() == 0) return fs::LogWatch::never;
  constexpr u64 soon_per_second = 100;
  constexpr u64 later_seconds = 5;
  const locks::Guard guard(lock_);
  const u64 now = arch::read_time();
  const u64 second = arch::timer_frequency();
  const u64 when = watch_.look(*log_, now, second / soon_per_second, second * later_seconds);
  if (when > now) return when;
  due_.wake_one();
  return fs::LogWatch::never;
}

void LogKeeper::run() {
  for (;;) {
    u64 rest;
    {
      const locks::Guard guard(lock_);
      (void)due_.wait(lock_, sched::Interruptible::no);
      rest = watch_.due_rest();
    }
    log_->work_at_rest(rest);
  }
}

}  // namespace

void start_log_keeper(fs::Log& log) { keeper.start(log); }

}  // namespace process
