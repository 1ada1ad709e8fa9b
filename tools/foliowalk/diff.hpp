// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include "tools/foliowalk/ranges.hpp"

namespace foliowalk {

enum class Change {
  added,      // mapped in B only
  removed,    // mapped in A only
  moved,      // same address, another frame (a copy-on-write copy, for one)
  rights,     // same frame, other rights
  split,      // a superpage became smaller pages
  promoted,   // smaller pages became a superpage
};
[[nodiscard]] std::string_view name_of(Change change);

/// Neighbouring pages which differ in the same way.
struct Difference {
  Change change = Change::added;
  u64 va = 0;
  u64 bytes = 0;
  u64 before = 0;  // PTE of the first page, 0 when there was none
  u64 after = 0;
  u8 level_before = 0;
  u8 level_after = 0;
};

/// What one would have to do to A to make B of it. Differences in A and D bits don't count.
[[nodiscard]] std::vector<Difference> difference(const Tree& a, const Tree& b);

}  // namespace foliowalk
