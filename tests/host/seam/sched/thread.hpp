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

/// Nobody waits for this hart.
inline void give_way() {}

}  // namespace sched
