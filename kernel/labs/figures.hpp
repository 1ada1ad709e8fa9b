#pragma once

#include "lib/types.hpp"

namespace syscall {

/// Instructions retired on the boot hart from reset to init's first instruction in user mode; 0 before.
[[nodiscard]] u64 boot_instructions();

}  // namespace syscall
