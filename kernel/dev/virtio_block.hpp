#pragma once

#include "dev/block_device.hpp"

namespace dev {

/// Finds and starts the first virtio-mmio disk (interface version 1 or 2); null if there is none.
[[nodiscard]] BlockDevice* start_virtio_block();

}  // namespace dev
