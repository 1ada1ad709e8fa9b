// SPDX-License-Identifier: MIT
#pragma once

#include "dev/network_device.hpp"

namespace dev {

/// How many virtio-mmio network cards there are.
[[nodiscard]] u32 count_virtio_net();

/// Starts the first of them (interface version 1 or 2); null, and a line on the console, if it refuses or there is no
/// memory for its buffers. Once.
[[nodiscard]] NetworkDevice* start_virtio_net();

}  // namespace dev
