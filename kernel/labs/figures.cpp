// SPDX-License-Identifier: MIT
#include "labs/figures.hpp"

#include <algorithm>
#include <atomic>

#include "abi/types.hpp"
#include "abi/vmstat.hpp"
#include "arch/riscv64/csr.hpp"
#include "fs/device.hpp"
#include "labs/handlers.hpp"
#include "mm/frames.hpp"
#include "process/table.hpp"
#include "sched/thread.hpp"
#include "syscall/arguments.hpp"
#include "syscall/handlers.hpp"

using calls::argument;
using calls::failed;
using process::Process;

namespace lab {

namespace {

std::atomic<u64> waited_instructions{0};
std::atomic<u64> boot_instructions{0};
std::atomic<u64> prompt_instructions{0};

void wait_counted() {
  const u64 before = arch::read_instret();
  arch::wait_for_interrupt();
  waited_instructions.fetch_add(arch::read_instret() - before, std::memory_order_relaxed);
}

u64 worked_instructions() { return arch::read_instret() - waited_instructions.load(std::memory_order_relaxed); }

class ConsoleWatch final : public fs::CharacterDevice {
 public:
  void watch(fs::CharacterDevice& console) { console_ = &console; }

  lib::Result<usize> read(fs::DataSink& sink, usize count) override {
    if (prompt_instructions.load(std::memory_order_relaxed) == 0) [[unlikely]] {
      prompt_instructions.store(worked_instructions(), std::memory_order_relaxed);
    }
    return console_->read(sink, count);
  }
  lib::Result<usize> write(fs::DataSource& source, usize count) override { return console_->write(source, count); }
  void opened() override { console_->opened(); }

 private:
  fs::CharacterDevice* console_ = nullptr;
};

constinit ConsoleWatch console_watch;

/// One field of a VmStat in user memory, if the program's buffer reaches so far.
bool store_field(Process& self, usize offset, u64 value) {
  if (argument(self, 1) < offset + sizeof value) return true;
  return calls::store(self, argument(self, 0) + offset, value);
}

}  // namespace

void start_counting_waits() { sched::set_idle_wait(wait_counted); }

void note_first_program() { boot_instructions.store(worked_instructions(), std::memory_order_relaxed); }

void watch_console() {
  fs::CharacterDevice* const console = fs::find_device(abi::console_major);
  if (console == nullptr) return;
  console_watch.watch(*console);
  fs::register_device(abi::console_major, console_watch);
}

}  // namespace lab

u64 sys_sysinfo(Process& self) {
  const abi::Sysinfo info{.free_bytes = mm::frames().free_count() * abi::page_size,
                          .process_count = process::table().count()};
  return calls::store(self, argument(self, 0), info) ? 0 : failed;
}

// The core's call leaves the benchmarks' fields zero.
u64 lab_vmstat(Process& self) {
  if (sys_vmstat(self) != 0) return failed;
  const bool stored =
      lab::store_field(self, offsetof(abi::VmStat, boot_instructions), lab::boot_instructions.load()) &&
      lab::store_field(self, offsetof(abi::VmStat, prompt_instructions), lab::prompt_instructions.load()) &&
      lab::store_field(self, offsetof(abi::VmStat, idle_instructions), lab::waited_instructions.load());
  return stored ? 0 : failed;
}

// The copy itself, page by page as files and pipes do it, for the benchmarks to compare the views by. Zeros go out;
// what comes in is dropped, so it does not matter who else uses the page.
u64 sys_copyprobe(Process& self) {
  constexpr u64 limit = 1 << 20;  // the kernel is not preempted
  struct alignas(abi::page_size) Page {
    std::byte bytes[abi::page_size];
  };
  static const Page zeros{};
  static Page dropped;
  const u64 address = argument(self, 0), count = std::min(argument(self, 1), limit);
  const auto direction = static_cast<abi::CopyDirection>(argument(self, 2));
  u64 done = 0;
  while (done < count) {
    const usize step = std::min<u64>(count - done, abi::page_size);
    const bool copied = direction == abi::CopyDirection::out
                            ? calls::store_bytes(self, address + done, zeros.bytes, step)
                            : calls::fetch_bytes(self, address + done, dropped.bytes, step);
    if (!copied) break;
    done += step;
  }
  return done;
}
