#pragma once

#include "dev/device_tree.hpp"

namespace dev {

/// The machine that this kernel runs on; filled first thing at boot, constant afterwards.
[[nodiscard]] const MachineDescription& machine();

/// For boot alone.
[[nodiscard]] MachineDescription& machine_to_fill();

/// The value of `key=value` in the boot arguments, or an empty text. `key` alone counts as "1".
[[nodiscard]] std::string_view boot_argument(std::string_view key);

}  // namespace dev
