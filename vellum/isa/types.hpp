// SPDX-License-Identifier: MIT
#pragma once
// The short names of the fixed-width integers, in Vellum's own namespace: it uses no line of what it judges.

#include <bit>
#include <cstddef>
#include <cstdint>

static_assert(std::endian::native == std::endian::little, "guest memory is kept in the guest's byte order");

namespace vellum {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using usize = std::size_t;

constexpr u64 page_bytes = 4096;
constexpr u64 page_mask = ~(page_bytes - 1);

/// Bits `low` to `high` of a word, as a number.
constexpr u64 bits(u64 word, unsigned high, unsigned low) { return word << (63 - high) >> (63 - high + low); }

/// The lowest `width` bits as a signed number.
constexpr i64 sign_extend(u64 value, unsigned width) { return static_cast<i64>(value << (64 - width)) >> (64 - width); }

inline void copy_bytes(void* to, const void* from, usize bytes) { __builtin_memcpy(to, from, bytes); }

}  // namespace vellum
