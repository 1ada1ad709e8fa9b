// SPDX-License-Identifier: MIT
#pragma once
// What a hart does between two looks at something that another hart will change.

#include <atomic>

#include "lib/types.hpp"

namespace arch {

/// A hart has panicked (its index + 1): every other one stops where it next looks.
inline std::atomic<u32> machine_stopped{0};

[[noreturn]] void halt();

/// A polite pause in a spinning loop.
inline void spin_pause() {
  asm volatile(".4byte 0x0100000f" : : : "memory");  // pause (Zihintpause): a fence without effect elsewhere
  if (machine_stopped.load(std::memory_order_relaxed) != 0) [[unlikely]]
    halt();
}

}  // namespace arch
