// SPDX-License-Identifier: MIT
#pragma once
// Which function an address belongs to, with the calls that were expanded inline around it.

#include "vellum/debug/ranges.hpp"

namespace vellum::debug {

/// A function, or a call of one that the compiler expanded inside another.
struct Instance {
  Entry entry;  // DW_TAG_subprogram or DW_TAG_inlined_subroutine
  u64 begin = 0;  // of the range that holds the address
  // Of an expanded call: where it stands in the source of the function around it. Nothing when that is not said.
  std::optional<u64> call_file;
  std::optional<u64> call_line;
};

/// All functions that have code, by address.
class Functions {
 public:
  /// Goes over all entries once. Units that cannot be read have no functions here. Errors: too little memory.
  [[nodiscard]] static Result<Functions> index(const Dwarf& dwarf, Arena& arena);

  /// The function at `address`, innermost expanded call first, the real function last; as many as `out` has room for,
  /// the innermost ones. 0 when no function is known there. Errors: damage in the function's entries.
  [[nodiscard]] Result<usize> at(u64 address, std::span<Instance> out) const;

  /// How many ranges of code are known, and where each begins and ends.
  [[nodiscard]] usize size() const { return extents_.size(); }
  [[nodiscard]] Range extent(usize index) const { return extents_[index].range; }
  [[nodiscard]] Result<Entry> function(usize index) const { return dwarf_->entry(extents_[index].key); }

 private:
  struct Extent {
    Range range;
    u64 key = 0;
  };

  const Dwarf* dwarf_ = nullptr;
  std::span<Extent> extents_;  // by begin
};

}  // namespace vellum::debug
