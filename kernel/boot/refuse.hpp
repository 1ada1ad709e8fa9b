// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "lib/types.hpp"

namespace boot {

/// Says in one line why this machine cannot boot, and powers it off with status 1, where it can.
[[noreturn]] void refuse(std::string_view why);
/// The same about a number or an address, shown as both.
[[noreturn]] void refuse(std::string_view why, u64 value);

}  // namespace boot
