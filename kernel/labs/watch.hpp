// SPDX-License-Identifier: MIT
#pragma once

#include "syscall/call_table.hpp"

namespace lab {

/// Runs a call of a process that is traced or held back. `PID: syscall NAME -> RESULT` is printed when the call
/// returns: exit has none, exec shows its argc.
u64 call_watched(process::Process& self, u64 number, const calls::CallEntry& call);

}  // namespace lab
