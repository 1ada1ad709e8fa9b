// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.hpp"

namespace dev {

/// Where the test finisher's register is (kernel address; 0: there is none). Boot says it twice: before and after it
/// turns its own page table on.
void set_finisher(u64 address);

/// Powers the machine off through the test finisher; QEMU exits with the status (0 to 127). Stops all harts in wfi
/// if the machine has no finisher.
[[noreturn]] void power_off(u32 status);

}  // namespace dev
