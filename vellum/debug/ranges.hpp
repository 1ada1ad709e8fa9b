// SPDX-License-Identifier: MIT
#pragma once
// Lists of address ranges, alone (where a function's code is) or with an expression each (where a variable is while
// code runs there): DWARF 5, sections 2.17 and 2.6.2, and their older forms.

#include "vellum/debug/dwarf.hpp"

namespace vellum::debug {

struct Range {
  u64 begin = 0;
  u64 end = 0;  // one past the last

  [[nodiscard]] bool contains(u64 address) const { return address >= begin && address < end; }
};

/// Reads one list in order. Empty ranges are left out.
class RangeList {
 public:
  /// The code of an entry: its DW_AT_low_pc and DW_AT_high_pc, or its DW_AT_ranges. An entry without code gives an
  /// empty list.
  [[nodiscard]] static Result<RangeList> of_code(const Dwarf& dwarf, const Entry& entry);
  /// A location list, which the attribute of an entry of `unit` points to.
  [[nodiscard]] static Result<RangeList> of_locations(const Dwarf& dwarf, const Unit& unit, const Attribute& attribute);

  /// Moves to the next range; false at the end of the list.
  [[nodiscard]] Result<bool> next();
  [[nodiscard]] const Range& range() const { return range_; }
  /// In a location list: the expression that holds in the range.
  [[nodiscard]] Bytes expression() const { return expression_; }

 private:
  enum class Content : u8 { ranges, locations };

  [[nodiscard]] Result<bool> next_pair();
  [[nodiscard]] Result<bool> next_entry();
  [[nodiscard]] static Result<u64> list_offset(const Dwarf& dwarf, const Unit& unit, const Attribute& attribute,
                                               Content content);

  const Dwarf* dwarf_ = nullptr;
  const Unit* unit_ = nullptr;
  Content content_ = Content::ranges;
  bool single_ = false;  // range_ is all there is, and has not been given out
  bool ended_ = true;
  u64 base_ = 0;
  Reader in_;
  Range range_;
  Bytes expression_;
};

}  // namespace vellum::debug
