// SPDX-License-Identifier: MIT
#pragma once
// When to commit what nobody waits for, and when to empty a log that nobody uses. A machine is switched off when it is
// quiet, and an image with an empty log is good for every reader; but to empty it after each commit, as xv6 does, would
// cost every commit two more flushes.

#include "fs/log.hpp"

namespace fs {

/// Looks at a log from time to time and says when its rest has lasted. Times are in any unit that grows.
/// One caller at a time.
class LogWatch {
 public:
  static constexpr u64 never = ~u64{0};

  /// When to look again: `never` while the log is in use or empty (look again when the machine is idle), a later time
  /// while its rest is too short. Not later than `now`: it has rested for long enough, `soon` or, if the log is full of
  /// what is durable and more may come, `later`; then due_rest() is to be worked on.
  [[nodiscard]] u64 look(const Log& log, u64 now, u64 soon, u64 later) {
    const u64 rest = log.rest();
    if (rest == 0) return never;
    if (rest != rest_) {
      rest_ = rest;
      due_ = now + (!Log::is_uncommitted(rest) && log.is_in_demand() ? later : soon);
    }
    return due_;
  }
  /// What look() has seen, for Log::work_at_rest.
  [[nodiscard]] u64 due_rest() const { return rest_; }

 private:
  u64 rest_ = 0;
  u64 due_ = 0;
};

}  // namespace fs
