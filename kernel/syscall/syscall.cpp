// SPDX-License-Identifier: MIT
#include "syscall/syscall.hpp"

namespace calls {

namespace {

WatchedCall watched_call = nullptr;

/// The process has something to see to; perhaps its calls are watched.
[[gnu::noinline]] u64 call_with_work(process::Process& self) {
  const u64 number = self.frame().a7;
  const CallEntry& call = call_at(number);
  return self.is_watched() && watched_call != nullptr ? watched_call(self, number, call) : call.handler(self);
}

}  // namespace

void set_watched_call(WatchedCall watcher) { watched_call = watcher; }

}  // namespace calls

// The result is stored after the handler has returned, so this is never a tail call: the frame stays for
// backtraces.
[[gnu::noinline]] void syscall_dispatch(process::Process& self) {
  if (self.has_work()) [[unlikely]] {
    self.frame().a0 = calls::call_with_work(self);
    return;
  }
  self.frame().a0 = calls::call_at(self.frame().a7).handler(self);
}
