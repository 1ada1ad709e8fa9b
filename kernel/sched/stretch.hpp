// SPDX-License-Identifier: MIT
#pragma once
// How long a hart works for one thread without a chance to do anything else. The kernel runs with interrupts off, so
// this is also how late an interrupt may be seen. A stretch begins where the kernel is entered, where a thread gets a
// hart, and at each give_way(); it ends where the thread leaves the hart or the kernel. Debug builds measure it:
// reading the clock twice would be a good part of a short call.

#include <algorithm>

#include "arch/riscv64/csr.hpp"
#include "sched/thread.hpp"

namespace sched {

/// This thread is about to begin a stretch.
inline void begin_stretch_of(Thread& thread) {
  if constexpr (BIFOLIUM_DEBUG) thread.stretch_began = arch::read_time();
}
/// The current thread begins, or has ended, a stretch.
inline void begin_stretch() { begin_stretch_of(current()); }
inline void end_stretch() {
  if constexpr (BIFOLIUM_DEBUG) {
    Thread& self = current();
    self.longest_stretch = std::max(self.longest_stretch, arch::read_time() - self.stretch_began);
  }
}

}  // namespace sched
