#pragma once

#include "lib/types.hpp"

namespace syscall {

/// Makes the console the device file with major number 1. xv6: consoleinit's devsw entry.
void start_console_file();

/// Instructions retired on the reading hart since reset when a program first read the console; 0 before.
/// The bench calls this the boot: reset to the shell's prompt.
[[nodiscard]] u64 prompt_instructions();

}  // namespace syscall
