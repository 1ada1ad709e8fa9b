#pragma once

#include "lib/types.hpp"

namespace sched {

/// The lock lab's test of reader/writer locks, called by `harts` threads at the same time (xv6: rwlktest's kernel half,
/// which expects 4). Each takes a hart of its own, wherever it comes from. Prints `rwspinlock_test: step ...` lines.
/// Returns whether this hart saw no error. A thread that is killed while it waits for the others, waits in vain
/// (5 seconds), comes when a test is running, or is pinned to a hart that already has its thread gets false.
[[nodiscard]] bool rw_spinlock_test(u32 harts);

}  // namespace sched
