// SPDX-License-Identifier: MIT
#pragma once
// Short names for the fixed-width integers; every layer uses these.

#include <cstddef>
#include <cstdint>

namespace lib {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using usize = std::size_t;
using byte = std::byte;

}  // namespace lib

// The kernel is one program: the names are wanted everywhere and collide with nothing.
using lib::i16;   // NOLINT(misc-unused-using-decls)
using lib::i32;   // NOLINT(misc-unused-using-decls)
using lib::i64;   // NOLINT(misc-unused-using-decls)
using lib::i8;    // NOLINT(misc-unused-using-decls)
using lib::u16;   // NOLINT(misc-unused-using-decls)
using lib::u32;   // NOLINT(misc-unused-using-decls)
using lib::u64;   // NOLINT(misc-unused-using-decls)
using lib::u8;    // NOLINT(misc-unused-using-decls)
using lib::usize; // NOLINT(misc-unused-using-decls)
