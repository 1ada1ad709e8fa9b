// SPDX-License-Identifier: MIT
#pragma once

namespace lab {

/// Prints where the calling functions made their calls, innermost first, one a line, up to usertrap's frame
/// (xv6's traps lab: backtrace). Addresses as the kernel is loaded, whatever the view.
void print_backtrace();

}  // namespace lab
