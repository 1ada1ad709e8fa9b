// SPDX-License-Identifier: MIT
#pragma once

#include "process/process.hpp"
#include "syscall/call_table.hpp"

namespace calls {

/// Registers the core's calls (core_calls.cpp). Once, before the first program runs.
void register_core_calls();

/// Runs the call of a watched process (process::Watch) in the place of its handler, and gives its result.
using WatchedCall = u64 (*)(process::Process& self, u64 number, const CallEntry& call);
/// Who watches; without one, watched processes are like all others. Before the first program runs.
void set_watched_call(WatchedCall watched_call);

}  // namespace calls

/// Runs the system call that the process's trap frame names and leaves its result in a0. Its symbol is `syscall`, xv6's
/// name, and it is never inlined: who reads a backtrace expects its frame between the handler's and usertrap's.
extern "C" void syscall_dispatch(process::Process& self) __asm__("syscall");
