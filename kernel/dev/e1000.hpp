// SPDX-License-Identifier: MIT
#pragma once

#include "dev/network_device.hpp"

namespace dev {

/// Starts an Intel 82540EM (xv6: e1000.c) whose registers are at this kernel address; null, and a line on the console,
/// if it does not answer or there is no memory for its buffers. Once.
[[nodiscard]] NetworkDevice* start_e1000(u64 registers, u32 interrupt);

}  // namespace dev
