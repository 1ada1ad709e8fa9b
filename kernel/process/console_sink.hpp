// SPDX-License-Identifier: MIT
#pragma once

#include "lib/format.hpp"
#include "mm/look.hpp"

namespace process {

/// Text of the memory system goes to the console.
inline constexpr mm::TextSink console_sink{[](void*, std::string_view text) { lib::print("{}", text); }, nullptr};

}  // namespace process
