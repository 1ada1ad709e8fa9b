// SPDX-License-Identifier: MIT
#pragma once
// The first interrupts: timer, the harts' calls to each other, and the devices' (xv6: plicinit and plicinithart).

#include "lib/types.hpp"

namespace boot {

/// Starts the timer, the way from hart to hart and every interrupt controller, and has the console answer to its
/// device. Once, on the boot hart; does not return if what the device tree names is not there.
void start_interrupts(u32 hart);

/// Devices may interrupt this hart; their interrupts are seen when it asks, or returns to a program.
void start_device_interrupts(u32 hart);

}  // namespace boot
