#include "syscall/syscall.hpp"

#include "abi/syscall_numbers.hpp"
#include "lib/format.hpp"
#include "syscall/arguments.hpp"
#include "syscall/call_table.hpp"
#include "syscall/console_file.hpp"
#include "syscall/memory_check.hpp"
#include "syscall/statistics.hpp"

namespace syscall {

namespace {

constinit CallTable table;  // number 0 is no call: it stands for all numbers beyond the table

const CallEntry& entry_of(u64 number) { return table[number < call_table_size ? number : 0]; }

/// Whether the interpose mask forbids the call. A masked open or exec of the one allowed path is let through.
bool is_interposed(process::Process& self, u64 number) {
  if (number >= 32 || (self.interpose_mask() >> number & 1) == 0) return false;
  if (number != static_cast<u64>(abi::Call::open) && number != static_cast<u64>(abi::Call::exec)) return true;
  PathBuffer buffer;
  const auto path = fetch_path(self, argument(self, 0), buffer);
  return !path || *path != self.interpose_path();
}

/// A call of a process that is traced or restricted. The line is printed when the call returns: exit has
/// none, exec shows its argc.
[[gnu::noinline]] u64 call_watched(process::Process& self) {
  const u64 number = self.frame().a7;
  const u64 result = is_interposed(self, number) ? failed : entry_of(number).handler(self);
  print_if_traced(self, number, result);
  return result;
}

}  // namespace

void print_if_traced(const process::Process& self, u64 number, u64 result) {
  if (number >= 32 || (self.trace_mask() >> number & 1) == 0) return;
  lib::print("{}: syscall {} -> {}\n", self.pid, entry_of(number).name, static_cast<i64>(result));
}

void start(const process::Personality& personality) {
  build_call_table(table, personality);
  start_console_file();
  start_statistics(personality.statistics);
  start_memory_check();
}

}  // namespace syscall

// The result is stored after the handler has returned, so this is never a tail call: the frame stays for
// backtraces.
[[gnu::noinline]] void syscall_dispatch(process::Process& self) {
  if (self.has_work()) [[unlikely]] {
    self.frame().a0 = syscall::call_watched(self);
    return;
  }
  u64 number = self.frame().a7;
  if (number >= syscall::call_table_size) [[unlikely]]
    number = 0;
  self.frame().a0 = syscall::table[number].handler(self);
}
