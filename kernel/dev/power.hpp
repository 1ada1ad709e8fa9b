#pragma once

#include "lib/types.hpp"

namespace dev {

/// Powers the machine off through the test finisher; QEMU exits with the status (0 to 127). Stops all harts in wfi
/// if the machine has no finisher.
[[noreturn]] void power_off(u32 status);

}  // namespace dev
