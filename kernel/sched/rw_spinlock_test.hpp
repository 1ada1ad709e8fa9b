#pragma once

#include "lib/types.hpp"

namespace sched {

/// The lock lab's test of reader/writer locks, called by one thread on each of `harts` harts at the same time (xv6:
/// rwlktest's kernel half, which expects 4). Prints `rwspinlock_test: step ...` lines. Returns whether this hart saw
/// no error; a thread that was killed while it waited for the others gives up and returns false.
[[nodiscard]] bool rw_spinlock_test(u32 harts);

}  // namespace sched
