#include <algorithm>
#include <array>
#include <bit>

#include "abi/layout.hpp"
#include "abi/process_info.hpp"
#include "abi/syscall_numbers.hpp"
#include "abi/vmstat.hpp"
#include "arch/port.hpp"
#include "arch/riscv64/start.hpp"
#include "dev/power.hpp"
#include "fs/volume.hpp"
#include "mm/frames.hpp"
#include "process/fail_nth.hpp"
#include "process/table.hpp"
#include "sched/thread.hpp"
#include "syscall/arguments.hpp"
#include "syscall/boot_figures.hpp"
#include "syscall/console_file.hpp"
#include "syscall/handlers.hpp"
#include "syscall/memory_check.hpp"
#include "syscall/vm_counters.hpp"

// Bifolium's own calls, numbers 100 and up: how tests look into the kernel.

using process::Process;
using syscall::argument;
using syscall::failed;
using syscall::integer_argument;

namespace {

void fill_vmstat(abi::VmStat& stat, i32 hart) {
  stat.view = mm::View::kind;
  stat.harts = static_cast<u64>(std::popcount(arch::started_harts()));
  stat.total_frames = mm::frames().managed_count();
  stat.free_frames = mm::frames().free_count();
  stat.boot_instructions = syscall::boot_instructions();
  stat.prompt_instructions = syscall::prompt_instructions();
  stat.idle_instructions = sched::idle_instructions();
  for (usize i = 0; i < abi::vm_event_count; ++i) {
    const auto event = static_cast<abi::VmEvent>(i);
    stat.counters[i] = hart < 0 ? syscall::event_total(event) : syscall::event_count(event, static_cast<u32>(hart));
  }
}

}  // namespace

u64 sys_vmstat(Process& self) {
  const i32 hart = integer_argument(self, 2);
  if (hart < -1 || hart >= static_cast<i32>(arch::max_harts)) return failed;
  if (hart >= 0 && (arch::started_harts() >> hart & 1) == 0) return failed;
  abi::VmStat stat{};
  fill_vmstat(stat, hart);
  const usize bytes = std::min<u64>(argument(self, 1), sizeof stat);
  return syscall::store_bytes(self, argument(self, 0), &stat, bytes) ? 0 : failed;
}

u64 sys_check(Process&) {
  const auto violations = syscall::check_memory();
  return violations ? *violations : failed;
}

u64 sys_failnth(Process& self) {
  const i32 nth = integer_argument(self, 0);
  return nth < 0 ? failed : process::arm_failure(self, static_cast<u64>(nth));
}

u64 sys_procinfo(Process& self) {
  const i32 slots = integer_argument(self, 1);
  if (slots < 0) return failed;
  const u64 limit = std::min<u64>(static_cast<u64>(slots), abi::max_processes);
  u64 written = 0;
  for (usize slot = 0; slot < abi::max_processes && written < limit; ++slot) {
    const auto info = process::table().describe(slot);
    if (!info) continue;
    if (!syscall::store(self, argument(self, 0) + written * sizeof *info, *info)) return failed;
    ++written;
  }
  return written;
}

u64 sys_freeframes(Process&) { return mm::frames().free_count(); }

u64 sys_shutdown(Process& self) {
  if (argument(self, 1) != abi::shutdown_word) return failed;
  if (!fs::root_volume().sync()) return failed;
  dev::power_off(static_cast<u32>(argument(self, 0)) & 0x7f);
}

u64 sys_sync(Process&) { return syscall::status_of(fs::root_volume().sync()); }

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
                            ? syscall::store_bytes(self, address + done, zeros.bytes, step)
                            : syscall::fetch_bytes(self, address + done, dropped.bytes, step);
    if (!copied) break;
    done += step;
  }
  return done;
}
