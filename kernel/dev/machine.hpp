#pragma once

#include "dev/device_tree.hpp"

namespace dev {

/// The machine that this kernel runs on; filled first thing at boot, constant afterwards.
[[nodiscard]] const MachineDescription& machine();

/// For boot alone.
[[nodiscard]] MachineDescription& machine_to_fill();

}  // namespace dev
