// SPDX-License-Identifier: MIT
#include "labs/watch.hpp"

#include <algorithm>

#include "labs/handlers.hpp"
#include "lib/format.hpp"
#include "syscall/arguments.hpp"
#include "syscall/handlers.hpp"

using calls::argument;
using calls::failed;
using process::Process;

namespace lab {

namespace {

bool has_bit(u32 mask, u64 number) { return number < 32 && (mask >> number & 1) != 0; }

/// The mask has a bit for each number below 63; the last one stands for all numbers from 63 on. Every number has one.
bool bars(u64 mask, u64 number) {
  constexpr u64 last_bit = 63;
  return (mask >> std::min(number, last_bit) & 1) != 0;
}

/// A call that has two numbers is barred by either.
bool is_barred(const Process& self, u64 number, const calls::CallEntry& call) {
  const u64 mask = self.watch.barred;
  if (mask == 0) return false;
  if (bars(mask, number)) return true;
  for (u64 other = 1; other < 64; ++other) {
    if (bars(mask, other) && calls::call_at(other).handler == call.handler) return true;
  }
  return false;
}

constexpr std::string_view no_path = "-";

/// A barred open or exec of the one allowed path is let through: the very bytes that were judged are used, since the
/// program's memory may be shared and hold another name a moment later.
u64 call_barred(Process& self, const calls::CallEntry& call) {
  const bool opens = call.handler == sys_open, runs = call.handler == sys_exec;
  if (!opens && !runs) return failed;
  calls::PathBuffer buffer;
  const auto path = calls::fetch_path(self, argument(self, 0), buffer);
  if (!path || *path == no_path || *path != self.watch.open_path.data()) return failed;
  return opens ? calls::open_path(self, *path) : calls::exec_path(self, *path);
}

void print_if_traced(const Process& self, u64 number, u64 result) {
  if (!has_bit(self.watch.traced, number)) return;
  lib::print("{}: syscall {} -> {}\n", self.pid, calls::call_at(number).name, static_cast<i64>(result));
}

}  // namespace

u64 call_watched(Process& self, u64 number, const calls::CallEntry& call) {
  const u64 result = is_barred(self, number, call) ? call_barred(self, call) : call.handler(self);
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
  calls::PathBuffer buffer;
  const auto path = calls::fetch_path(self, argument(self, 1), buffer);
  if (!path) return failed;
  if (self.watch.barred == 0) {
    self.watch.open_path.fill('\0');
    std::copy(path->begin(), path->end(), self.watch.open_path.begin());
  }
  self.watch.barred |= argument(self, 0);
  self.note_watch_changed();
  return 0;
}
