// SPDX-License-Identifier: MIT
#pragma once
// Numbers in a device tree: big-endian cells of 32 bits (Devicetree Specification 0.4, 2.2.4).

#include <cstddef>
#include <optional>
#include <span>

#include "lib/types.hpp"

namespace dev {

/// The cell at this offset, which must lie inside.
[[nodiscard]] inline u32 word_at(std::span<const std::byte> bytes, usize offset) {
  u32 value = 0;
  for (usize i = 0; i < 4; ++i) value = value << 8 | std::to_integer<u32>(bytes[offset + i]);
  return value;
}

/// `count` cells (the last two are kept) as one number; nothing if the bytes end before.
[[nodiscard]] inline std::optional<u64> cells_at(std::span<const std::byte> bytes, usize offset, u32 count) {
  if (offset > bytes.size() || (bytes.size() - offset) / 4 < count) return std::nullopt;
  u64 value = 0;
  for (u32 i = 0; i < count; ++i) value = value << 32 | word_at(bytes, offset + 4 * usize{i});
  return value;
}

}  // namespace dev
