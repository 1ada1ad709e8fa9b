// SPDX-License-Identifier: MIT
#pragma once
// Memory, as boot finds it and the kernel uses it from then on (xv6: kinit, kvminit and kvminithart).

#include <cstddef>
#include <span>

namespace boot {

/// Every frame of RAM that neither the kernel's image nor the device tree lies in is free from now on; the tree's too,
/// since it has been read.
void start_frames();

/// Builds the table with everything that the kernel itself uses, devices included, and puts this hart on it.
void start_kernel_space();

/// Puts this hart on the kernel's table.
void enter_kernel_space();

/// Memory for the block cache: RAM/128, a power of two from 256 KiB to 2 MiB.
[[nodiscard]] std::span<std::byte> allocate_cache();

}  // namespace boot
