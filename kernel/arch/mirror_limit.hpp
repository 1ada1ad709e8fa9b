// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.hpp"

namespace arch {

/// In the view `mirrored` a kernel table also holds its program's pages below this address, where the PLIC begins, and
/// devices that lie there are seen elsewhere (device_address).
inline constexpr u64 mirror_limit = 0x0c000000;

}  // namespace arch
