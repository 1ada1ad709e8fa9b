// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string_view>

#include "tools/foliowalk/failure.hpp"

namespace foliowalk {

/// "0x1f", "42"; nothing for anything else.
[[nodiscard]] std::optional<u64> parse_number(std::string_view text);

}  // namespace foliowalk
