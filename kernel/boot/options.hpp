// SPDX-License-Identifier: MIT
#pragma once
// Boot arguments: words `key=value` that the machine hands to the kernel (QEMU: -append). All are read here, once. What
// a word means stands in tables of options, the core's (boot/arguments.cpp) and those of the wings.

#include <optional>
#include <span>
#include <string_view>

#include "lib/types.hpp"

namespace boot {

/// One boot argument.
struct Option {
  std::string_view key;
  std::string_view values;  ///< what it takes, for people: "1|2", "HEX"
  /// Keeps the value; false: it is none of them.
  bool (*take)(std::string_view value);
};

/// The option of this key, or null.
using FindOption = const Option* (*)(std::string_view key);

/// Why a word was ignored. `values` is not empty where others would have been taken.
using Complain = void (*)(std::string_view word, std::string_view why, std::string_view values);

/// Reads all words. One that no option has, one whose value its option refuses, and one that was there before are
/// complained about and otherwise ignored.
void read_options(std::string_view words, FindOption find, Complain complain);

/// The option of this key in a table, or null.
[[nodiscard]] const Option* find_option(std::span<const Option> table, std::string_view key);

/// A number that is the whole text, in this base, or in base 16 after `0x`; at most eight digits.
[[nodiscard]] std::optional<u32> parse_number(std::string_view digits, u32 base);

}  // namespace boot
