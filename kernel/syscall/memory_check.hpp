#pragma once

#include "lib/result.hpp"
#include "lib/types.hpp"

namespace syscall {

/// Stops all other harts and runs the invariant checker of mm over all memory; prints each violation and returns their
/// number. no_memory: the checker needs two bytes for each frame and did not get them.
[[nodiscard]] lib::Result<u64> check_memory();

/// Boot argument `check=exit`: the checker runs after each process that was waited for, and names it if something is
/// wrong. The argument is read by start_memory_check().
void start_memory_check();
void check_after_exit(i32 pid);

}  // namespace syscall
