// SPDX-License-Identifier: MIT
#pragma once

#include "labs/edition.hpp"

namespace lab {

/// From now on a call that the image's programs have no name for is told on the console, in one line that says where
/// this image's numbers are from: once for each number, and at most once a second.
void tell_unknown_calls(const Edition& edition);

}  // namespace lab
