// SPDX-License-Identifier: MIT
#pragma once

#include "dev/machine_plan.hpp"

namespace dev {

/// The machine that this kernel runs on: what of its description is used. Filled first thing at boot, constant
/// afterwards.
[[nodiscard]] const MachinePlan& machine();

/// For boot alone.
[[nodiscard]] MachineDescription& description_to_fill();
[[nodiscard]] MachinePlan& machine_to_fill();

}  // namespace dev
