// SPDX-License-Identifier: MIT
#pragma once

#include "arch/riscv64/trap_frame.hpp"

namespace arch {

/// If the instruction that trapped is allowed to (memory.S, user_access.hpp), makes the frame continue at its fix-up
/// and returns true.
[[nodiscard]] bool apply_fixup(KernelTrapFrame& frame);

}  // namespace arch
