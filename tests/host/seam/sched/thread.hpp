// SPDX-License-Identifier: MIT
#pragma once
// Host twin of the small part of kernel/sched/thread.hpp that lower layers name: what a thread needs of its space.
// Threads themselves are host threads here.

#include "lib/types.hpp"

namespace sched {

class Space {
 public:
  [[nodiscard]] virtual u64 switch_in() = 0;

 protected:
  ~Space() = default;
};

enum class Woken { event, killed };

/// What others do while an operation gives way to them: nothing, unless a test looks at what they would see.
inline void (*others_run)() = nullptr;

inline void give_way() {
  if (others_run != nullptr) others_run();
}

}  // namespace sched
