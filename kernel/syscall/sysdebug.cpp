// SPDX-License-Identifier: MIT
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
#include "process/event_totals.hpp"
#include "process/memory_check.hpp"
#include "process/table.hpp"
#include "sched/thread.hpp"
#include "syscall/arguments.hpp"
#include "syscall/call_table.hpp"
#include "syscall/handlers.hpp"

// How tests look into the kernel, and what ends it in an orderly way.

using calls::argument;
using calls::failed;
using calls::integer_argument;
using process::Process;

namespace {

constexpr u64 nanoseconds_per_second = 1'000'000'000;

void fill_vmstat(abi::VmStat& stat, i32 hart) {
  stat.view = mm::View::kind;
  stat.harts = static_cast<u64>(std::popcount(arch::started_harts()));
  stat.total_frames = mm::frames().managed_count();
  stat.free_frames = mm::frames().free_count();
  stat.longest_stretch = sched::current().longest_stretch * (nanoseconds_per_second / arch::timer_frequency());
  for (usize i = 0; i < abi::vm_event_count; ++i) {
    const auto event = static_cast<abi::VmEvent>(i);
    stat.counters[i] = hart < 0 ? process::event_total(event) : process::event_count(event, static_cast<u32>(hart));
  }
}

}  // namespace

u64 sys_vmstat(Process& self) {
  const i32 hart = integer_argument(self, 2);
  if (hart < -1 || hart >= static_cast<i32>(arch::max_harts)) return failed;
  if (hart >= 0 && (arch::started_harts() >> hart & 1) == 0) return failed;
  static_assert(calls::WithoutGaps<abi::VmStat>);
  abi::VmStat stat{};
  fill_vmstat(stat, hart);
  const usize bytes = std::min<u64>(argument(self, 1), sizeof stat);
  return calls::store_bytes(self, argument(self, 0), &stat, bytes) ? 0 : failed;
}

u64 sys_callname(Process& self) {
  const u64 number = argument(self, 0);
  if (!calls::is_call(number)) return failed;
  const std::string_view name = calls::call_at(number).name;
  const usize bytes = std::min<u64>(argument(self, 2), name.size() + 1);  // names are literals: a NUL follows
  return calls::store_bytes(self, argument(self, 1), name.data(), bytes) ? bytes : failed;
}

u64 sys_check(Process&) {
  const auto violations = process::check_memory_for_program();
  return violations ? *violations : failed;
}

u64 sys_failnth(Process& self) {
  const i32 nth = integer_argument(self, 0);
  return nth < 0 ? failed : self.arm_failure(static_cast<u64>(nth));
}

u64 sys_procinfo(Process& self) {
  const i32 slots = integer_argument(self, 1);
  if (slots < 0) return failed;
  const u64 limit = std::min<u64>(static_cast<u64>(slots), abi::max_processes);
  u64 written = 0;
  for (usize slot = 0; slot < abi::max_processes && written < limit; ++slot) {
    const auto info = process::table().describe(slot);
    sched::give_way();
    if (!info) continue;
    if (!calls::store(self, argument(self, 0) + written * sizeof *info, *info)) return failed;
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

u64 sys_sync(Process&) { return calls::status_of(fs::root_volume().sync()); }
