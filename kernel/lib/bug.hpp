// SPDX-License-Identifier: MIT
#pragma once
// The word for what must be unreachable. Each site needs an argument why it is; docs/bugs.md lists them.

namespace lib {

/// Stops the machine with a report: the kernel itself is wrong. Never for resources or user input (xv6: panic).
/// On the host build the test harness supplies it (and aborts).
[[noreturn]] void bug(const char* why);

/// `bug(why)` unless the condition holds.
constexpr void require(bool condition, const char* why) {
  if (!condition) [[unlikely]]
    bug(why);
}

}  // namespace lib
