#pragma once

#include "process/personality.hpp"
#include "process/process.hpp"

namespace syscall {

/// Builds the call table, and the console's and the statistics device's files, for this personality. Once,
/// before init runs.
void start(const process::Personality& personality);

/// Prints `PID: syscall NAME -> RESULT` if the process traces this call.
void print_if_traced(const process::Process& self, u64 number, u64 result);

}  // namespace syscall

/// Runs the system call that the process's trap frame names and leaves its result in a0. Its symbol is
/// `syscall`, xv6's name, and it is never inlined: the traps lab's backtrace must show its frame between
/// sys_sleep's and usertrap's.
extern "C" void syscall_dispatch(process::Process& self) __asm__("syscall");
