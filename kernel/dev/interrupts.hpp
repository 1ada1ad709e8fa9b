// SPDX-License-Identifier: MIT
#pragma once
// Which interrupt is it, and who handles it. (xv6: devintr, clockintr.)

#include "dev/device_tree.hpp"
#include "lib/types.hpp"

namespace dev {

enum class Interrupt {
  none,      ///< not an interrupt that this kernel knows
  device,    ///< disk, console: handled
  timer,     ///< the tick: sleepers are awake; the caller may want to count it and to give up the hart
  software,  ///< another hart wants this one to look at its queues
};

/// Handles one interrupt trap (scause with bit 63 set). usertrap() calls it.
Interrupt handle_interrupt(u64 cause);

/// Handles whatever is pending, which the idle loop asks for: the kernel takes no interrupts as traps.
void poll_interrupts();

/// Who handles a device's interrupt, which is heard from then on. At boot; the device comes from the machine's plan.
void set_interrupt_handler(const MachineDescription::Device& device, void (*handler)());

}  // namespace dev
