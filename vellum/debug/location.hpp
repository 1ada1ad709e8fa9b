// SPDX-License-Identifier: MIT
#pragma once
// Location expressions: where an object is (DWARF 5, section 2.6).

#include "vellum/debug/ranges.hpp"

namespace vellum::debug {

/// Where something lies, as far as that can be told without running the program.
struct Location {
  enum class Kind : u8 {
    nowhere,      // optimised away
    address,      // at `value`
    in_register,  // register number `number` holds it
    at_register,  // at what register `number` holds, plus `value`
    at_frame,     // at the function's frame base plus `value`
    constant,     // it is in no place, but is worth `value`
  };
  Kind kind = Kind::nowhere;
  u64 value = 0;
  u64 number = 0;
};

/// Evaluates an expression, with `start` on the stack where a member's offset is asked for. Errors: what only a running
/// program knows (thread-local, entry values, memory reads), objects in several pieces, broken expressions.
[[nodiscard]] Result<Location> evaluate(const Dwarf& dwarf, const Unit& unit, Bytes expression,
                                        std::optional<u64> start = std::nullopt);

/// Where the variable or parameter is while the program counter is at `pc`; its DW_AT_location may be one expression or
/// a list. An entry without a location is nowhere.
[[nodiscard]] Result<Location> location_at(const Dwarf& dwarf, const Entry& entry, u64 pc);

/// The one address at which the variable always is; nothing for locals and for what was optimised away. Errors: a
/// location that cannot be read.
[[nodiscard]] Result<std::optional<u64>> fixed_address(const Dwarf& dwarf, const Entry& entry);

}  // namespace vellum::debug
