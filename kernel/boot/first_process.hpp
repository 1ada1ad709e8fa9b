// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "dev/block_device.hpp"
#include "lib/result.hpp"

namespace boot {

/// Makes process 1, a thread that mounts the root file system from `disk` with `cache_memory` as its block
/// cache, lets the wings register what they have, and becomes /init. Boot's last step on the boot hart; xv6:
/// userinit, forkret.
[[nodiscard]] lib::Result<void> start_first_process(dev::BlockDevice& disk, std::span<std::byte> cache_memory);

}  // namespace boot
