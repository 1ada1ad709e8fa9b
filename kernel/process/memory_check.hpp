// SPDX-License-Identifier: MIT
#pragma once

#include "lib/result.hpp"
#include "lib/types.hpp"

namespace process {

/// Stops all other harts and runs the invariant checker of mm over all memory; prints each violation and returns their
/// number. no_memory: the checker needs two bytes for each frame and did not get them.
[[nodiscard]] lib::Result<u64> check_memory();

/// The same for a program, which may not stop the machine for long: not_permitted where there is so much memory that
/// it would take more than about 10 ms, unless the boot argument check= was given
/// (docs/decisions/0009-check-is-bounded.md).
[[nodiscard]] lib::Result<u64> check_memory_for_program();
/// Programs may check however much memory there is. At boot.
void let_programs_check();

/// From now on the checker runs after each process that was waited for, and names it if something is wrong. At boot.
void check_memory_after_each_exit();
/// A process has been waited for.
void check_after_exit(i32 pid);

}  // namespace process
