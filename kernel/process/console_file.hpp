// SPDX-License-Identifier: MIT
#pragma once

namespace process {

/// Makes the console the device file with major number 1. xv6: consoleinit's devsw entry.
void start_console_file();

}  // namespace process
