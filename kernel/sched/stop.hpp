// SPDX-License-Identifier: MIT
#pragma once
// Stopping the machine for a look at it (the invariant checker).

#include "lib/types.hpp"

namespace sched {

/// While it lives, every other hart waits where it is between two operations: in front of a program's next
/// instruction, in its idle loop, or in give_way(). So no spin lock is held anywhere and nothing is half done but what
/// a sleeping thread has begun. The caller must be at such a point itself. Where two harts stop the others at the same
/// time, one waits for the other.
class StoppedHarts {
 public:
  StoppedHarts();
  ~StoppedHarts();
  StoppedHarts(const StoppedHarts&) = delete;
  StoppedHarts& operator=(const StoppedHarts&) = delete;

 private:
  u32 ticket_;
};

}  // namespace sched
