// SPDX-License-Identifier: MIT
#include "boot/wing.hpp"

// The linker script's borders of the table.
extern "C" const boot::Wing wings_start[];
extern "C" const boot::Wing wings_end[];

namespace boot {

std::span<const Wing> wings() { return {wings_start, wings_end}; }

}  // namespace boot
