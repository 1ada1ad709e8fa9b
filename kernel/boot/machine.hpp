// SPDX-License-Identifier: MIT
#pragma once
// The machine, as boot finds it: the device tree is read and judged, and what can be tried is tried, before anything
// that it names is used. A machine that cannot boot says why in one line and powers off with status 1, where it can.

#include "lib/types.hpp"

namespace boot {

/// Reads the tree at this physical address, starts the console and fills dev::machine(). Does not return if the machine
/// cannot be used. First thing on the boot hart.
void read_machine(u32 hart, u64 device_tree);

/// The end of what the tree calls RAM, and of each gigabyte down from it, keeps what is written; does not return if
/// not. Before the memory is used.
void try_memory();

}  // namespace boot
