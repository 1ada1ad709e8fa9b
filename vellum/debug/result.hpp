// SPDX-License-Identifier: MIT
#pragma once
// What every part of the reader speaks in: fixed-width numbers, spans of somebody else's bytes, and errors with words.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <utility>

namespace vellum::debug {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i64 = std::int64_t;
using usize = std::size_t;

/// A part of the file. The reader never copies what lies in it: the caller keeps it for as long as anything that was
/// read from it is in use.
using Bytes = std::span<const std::byte>;

/// Why something could not be read.
struct Error {
  std::string_view words;    // a constant sentence without a full stop
  std::string_view section;  // ".debug_info"; empty for the ELF file itself
  u64 offset = 0;            // of the trouble, in that section
};

/// A value, or the reason why there is none. What cannot be read is never 0.
template <typename T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(std::string_view words, std::string_view section = {},
                                                 u64 offset = 0) {
  return std::unexpected(Error{words, section, offset});
}

}  // namespace vellum::debug
