// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace lab {

/// Boot argument `crash=KIND`; false if there is no such kind.
bool choose_crash(std::string_view kind);
inline constexpr std::string_view crash_kinds =
    "null|user-page|trampoline-write|text-write|rodata-write|data-execute|stack-overflow|illegal-instruction|bug";

/// Does on purpose what the kernel must never do, so that tests can see the protection work and read the report
/// (tests/negative), if a boot argument has chosen it. Runs on a process's kernel stack.
void crash_on_purpose();

}  // namespace lab
