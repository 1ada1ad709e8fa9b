#pragma once

#include <string_view>

namespace lab {

/// Does on purpose what the kernel must never do, so that tests can see the protection work and read the report
/// (tests/negative). `kind` is the value of the boot argument `crash`; an unknown or empty one does nothing.
/// Runs on a process's kernel stack.
void crash_on_purpose(std::string_view kind);

}  // namespace lab
