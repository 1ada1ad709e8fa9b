// SPDX-License-Identifier: MIT
#pragma once

#include "process/process.hpp"
#include "process/table.hpp"

// How processes begin and end. xv6: fork, exit, wait, kill, userinit in proc.c.
namespace process {

/// A child that is a copy of `parent` and returns 0 from its system call; it may run at once. Memory is
/// shared copy-on-write, files are shared. How it is watched is inherited, an alarm is not.
/// no_memory, limit_reached: nothing has changed.
[[nodiscard]] lib::Result<Pid> fork(Process& parent);

/// Ends the calling process: shared file mappings are written back, files closed, children given to init, the
/// parent told. When init ends, the machine is powered off.
inline constexpr i32 status_of_killed = -1;  ///< killed, or a fault that nothing resolves
[[noreturn]] void exit(Process& self, i32 status);

/// Frees what is left of a zombie child; its pid and slot are free afterwards. xv6: freeproc.
void reap(Process& parent, Process& child);

/// The first process, pid 1: a thread that runs `body`, which must end in exec and arch::enter_user().
[[nodiscard]] lib::Result<void> start_first(void (*body)(Process& self));

/// Called at a tick that interrupts a program, with its process; it may change the registers. Once, at boot.
void set_tick_hook(void (*hook)(Process& self));
/// For the trap's handler.
void run_tick_hook(Process& self);

/// What the process brings to a new address space: its frames, USYSCALL's only where programs of this boot have one.
[[nodiscard]] mm::SpaceOwner space_owner(const Process& process);

/// Tells scheduler and trap entry about the process's (new) address space.
void bind_memory(Process& process, mm::AddressSpace& memory);

}  // namespace process
