#pragma once

#include "dev/block_device.hpp"
#include "lib/result.hpp"

#include <span>

namespace syscall {

/// Makes process 1, a thread that mounts the root file system from `disk` with `cache_memory` as its block
/// cache, chooses the personality, and becomes /init. Boot's last step on the boot hart; xv6: userinit,
/// forkret.
[[nodiscard]] lib::Result<void> start_first_process(dev::BlockDevice& disk, std::span<std::byte> cache_memory);

}  // namespace syscall
