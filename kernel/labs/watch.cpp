#include "labs/watch.hpp"

#include <algorithm>

#include "labs/handlers.hpp"
#include "lib/format.hpp"
#include "syscall/arguments.hpp"

using process::Process;
using syscall::argument;
using syscall::failed;

namespace lab {

namespace {

bool has_bit(u32 mask, u64 number) { return number < 32 && (mask >> number & 1) != 0; }

constexpr std::string_view no_path = "-";

/// A masked open or exec of the one allowed path is let through.
bool is_interposed(Process& self, u64 number) {
  if (!has_bit(self.watch.barred, number)) return false;
  if (number != static_cast<u64>(abi::Call::open) && number != static_cast<u64>(abi::Call::exec)) return true;
  syscall::PathBuffer buffer;
  const auto path = syscall::fetch_path(self, argument(self, 0), buffer);
  return !path || *path == no_path || *path != self.watch.open_path.data();
}

void print_if_traced(const Process& self, u64 number, u64 result) {
  if (!has_bit(self.watch.traced, number)) return;
  lib::print("{}: syscall {} -> {}\n", self.pid, syscall::call_at(number).name, static_cast<i64>(result));
}

}  // namespace

u64 call_watched(Process& self, u64 number, const syscall::CallEntry& call) {
  const u64 result = is_interposed(self, number) ? failed : call.handler(self);
  print_if_traced(self, number, result);
  return result;
}

}  // namespace lab

u64 sys_trace(Process& self) {
  const bool was_watched = self.is_watched();
  self.watch.traced = static_cast<u32>(argument(self, 0));
  self.note_watch_changed();
  // The call that switches tracing on shows itself; later ones are shown by call_watched.
  if (!was_watched) lab::print_if_traced(self, self.frame().a7, 0);
  return 0;
}

// A second call tightens only: it can bar more, and what is let through was settled when nothing was barred yet.
u64 sys_interpose(Process& self) {
  syscall::PathBuffer buffer;
  const auto path = syscall::fetch_path(self, argument(self, 1), buffer);
  if (!path) return failed;
  if (self.watch.barred == 0) {
    self.watch.open_path.fill('\0');
    std::copy(path->begin(), path->end(), self.watch.open_path.begin());
  }
  self.watch.barred |= static_cast<u32>(argument(self, 0));
  self.note_watch_changed();
  return 0;
}
