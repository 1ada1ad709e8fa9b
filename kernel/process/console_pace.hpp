// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.hpp"
#include "sched/thread.hpp"

namespace process {

/// For a call that prints much: others may run now and then, since the console takes its time. No lock may be held.
class ConsolePace {
 public:
  /// So many bytes of the call were printed.
  void printed(usize bytes) {
    since_pause_ += bytes;
    if (since_pause_ < bytes_between_pauses) return;
    since_pause_ = 0;
    sched::give_way();
  }

 private:
  static constexpr usize bytes_between_pauses = 4096;
  usize since_pause_ = 0;
};

}  // namespace process
