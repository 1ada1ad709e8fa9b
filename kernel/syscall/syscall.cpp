#include "syscall/syscall.hpp"

#include "abi/syscall_numbers.hpp"
#include "lib/format.hpp"
#include "syscall/arguments.hpp"
#include "syscall/call_table.hpp"
#include "syscall/console_file.hpp"
#include "syscall/statistics.hpp"

namespace syscall {

namespace {

CallTable table;

const CallEntry& entry_of(u64 number) { return table[number < call_table_size ? number : 0]; }

/// Whether the interpose mask forbids the call. A masked open or exec of the one allowed path is let through.
[[gnu::noinline]] bool is_interposed(process::Process& self, u64 number) {
  if (number >= 32 || (self.interpose_mask() >> number & 1) == 0) return false;
  if (number != static_cast<u64>(abi::Call::open) && number != static_cast<u64>(abi::Call::exec)) return true;
  PathBuffer buffer;
  const auto path = fetch_path(self, argument(self, 0), buffer);
  return !path || *path != self.interpose_path();
}

/// The line of a traced call, printed when it returns: a call that does not return (exit) has none, exec shows its
/// argc, and the trace() that switches tracing on shows itself.
[[gnu::noinline]] void print_if_traced(const process::Process& self, u64 number) {
  if (number >= 32 || (self.trace_mask() >> number & 1) == 0) return;
  lib::print("{}: syscall {} -> {}\n", self.pid, entry_of(number).name, static_cast<i64>(self.frame().a0));
}

}  // namespace

void start(const process::Personality& personality) {
  build_call_table(table, personality);
  start_console_file();
  start_statistics(personality.statistics);
}

}  // namespace syscall

[[gnu::noinline]] void syscall_dispatch(process::Process& self) {
  const u64 number = self.frame().a7;
  if (self.is_watched() && syscall::is_interposed(self, number)) [[unlikely]] {
    self.frame().a0 = syscall::failed;
  } else {
    self.frame().a0 = syscall::entry_of(number).handler(self);
  }
  if (self.is_watched()) [[unlikely]] syscall::print_if_traced(self, number);
}
