// SPDX-License-Identifier: MIT
#pragma once
// Small things read from a guest's memory, at virtual addresses.

#include <functional>
#include <optional>
#include <string>

#include "vellum/isa/types.hpp"

namespace vellum {

/// Reads 8 bytes at a virtual address, a multiple of 8, as some hart could load them.
using WordAt = std::function<std::optional<u64>(u64 address)>;

/// 1, 2, 4 or 8 bytes, as a number; the address is a multiple of that.
[[nodiscard]] std::optional<u64> bytes_at(u64 address, u32 bytes, const WordAt& word_at);

/// A short text of printable characters, which a zero ends; nothing where there is something else.
[[nodiscard]] std::optional<std::string> text_at(u64 address, const WordAt& word_at);

}  // namespace vellum
