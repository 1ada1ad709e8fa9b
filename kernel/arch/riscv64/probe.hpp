// SPDX-License-Identifier: MIT
#pragma once
// Accesses to addresses that only the device tree vouches for: one that nothing answers is told, not a panic.

#include <optional>

#include "lib/types.hpp"

namespace arch {

extern "C" u64 arch_probe_byte(u64 address);
extern "C" u64 arch_probe_word(u64 address);
extern "C" u64 arch_probe_store_byte(u64 address, u64 value);
extern "C" u64 arch_probe_store_word(u64 address, u64 value);

/// What a load of this width gives, or nothing if it faults. The address is a kernel address, aligned to the width.
[[nodiscard]] inline std::optional<u8> probe_byte(u64 address) {
  const u64 value = arch_probe_byte(address);
  return value == ~u64{0} ? std::nullopt : std::optional(static_cast<u8>(value));
}
[[nodiscard]] inline std::optional<u32> probe_word(u64 address) {
  const u64 value = arch_probe_word(address);
  return value == ~u64{0} ? std::nullopt : std::optional(static_cast<u32>(value));
}

/// Whether a store of this width was taken.
[[nodiscard]] inline bool probe_store_byte(u64 address, u8 value) { return arch_probe_store_byte(address, value) == 0; }
[[nodiscard]] inline bool probe_store_word(u64 address, u32 value) {
  return arch_probe_store_word(address, value) == 0;
}

}  // namespace arch
