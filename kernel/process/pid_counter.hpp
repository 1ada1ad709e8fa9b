// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.hpp"

namespace process {

/// Process number: 1 is init; 0 stands for "no process". xv6: int pid.
enum class Pid : i32 { none = 0, init = 1 };

inline constexpr i32 max_pid = 0x7fffffff;

/// Hands out process numbers in order from init on. After the largest it starts again at 2 and skips those in
/// use, so no number is negative, zero, init's or taken twice. xv6: allocpid, which overflows.
class PidCounter {
 public:
  explicit constexpr PidCounter(i32 first = 1) : next_(first) {}

  /// `in_use(Pid)` tells whether a live process or zombie has the number. Needs fewer processes than numbers.
  template <typename InUse>
  [[nodiscard]] Pid take(InUse&& in_use) {
    for (;;) {
      const Pid candidate{next_};
      const bool may_be_taken = wrapped_;
      if (next_ == max_pid) {
        next_ = 2;
        wrapped_ = true;
      } else {
        ++next_;
      }
      if (!may_be_taken || !in_use(candidate)) return candidate;
    }
  }

 private:
  i32 next_;
  bool wrapped_ = false;
};

}  // namespace process
