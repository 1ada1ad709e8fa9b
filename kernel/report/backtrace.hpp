// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.hpp"

namespace report {

/// Prints the road by which the kernel came to `address`: that itself, then the callers from this frame pointer on, as
/// far as they lie in [stack_bottom, stack_top). Functions have names if the kernel has its symbols.
void print_backtrace(u64 address, u64 frame_pointer, u64 stack_bottom, u64 stack_top);

}  // namespace report
