#pragma once
// Which interrupt is it, and who handles it. (xv6: devintr, clockintr, plic.c.)

#include "lib/types.hpp"

namespace dev {

enum class Interrupt {
  none,      ///< not an interrupt that this kernel knows
  device,    ///< disk, console: handled
  timer,     ///< the tick: sleepers are awake; the caller may want to count it and to give up the hart
  software,  ///< another hart wants this one to look at its queues
};

/// Handles one interrupt trap (scause with bit 63 set). Called by usertrap() and by the idle loop.
Interrupt handle_interrupt(u64 cause);

}  // namespace dev
