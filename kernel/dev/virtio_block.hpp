// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "dev/block_device.hpp"
#include "lib/result.hpp"

namespace dev {

/// Finds and starts the root disk: the virtio block device with the lowest register address, or the one that `name`
/// names (boot argument root=: the slot's number in that order, which is QEMU's number of the virtio-mmio bus, or the
/// address of its registers). No other device is touched. Fails with not_found, with invalid_argument when the device
/// cannot be set up, with io when it does not answer or its interrupt does not arrive. At boot, on the boot hart.
[[nodiscard]] lib::Result<BlockDevice*> start_virtio_block(std::string_view name);

}  // namespace dev
