// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "sv39/explain.hpp"
#include "tools/foliowalk/scene.hpp"

namespace foliowalk {

/// One step of a walk in any of the modes; `level` counts down to 0.
struct Step {
  unsigned level = 0;
  u64 table = 0;
  unsigned index = 0;
  u64 entry_address = 0;
  bool was_read = false;
  u64 entry = 0;
};

/// A translation taken apart. The three lower levels are always walked by sv39::explain, the code that the kernel's
/// panic screen uses; Sv48 and Sv57 put one or two steps of the same kind in front of it.
struct Explanation {
  u64 va = 0;
  u64 root = 0;
  Mode mode = Mode::sv39;
  std::vector<Step> steps;
  sv39::WalkEnd end = sv39::WalkEnd::not_canonical;
  u64 physical = 0;       // when end is leaf
  unsigned leaf_level = 0;
  bool contiguous = false;  // the leaf is one of the sixteen of a 64 KiB page (Svnapot)
  bool torn = false;      // entries kept changing while we read them

  [[nodiscard]] bool found() const { return end == sv39::WalkEnd::leaf; }
  [[nodiscard]] u64 last_entry() const { return steps.empty() ? 0 : steps.back().entry; }
  [[nodiscard]] sv39::Verdict verdict(sv39::Access access, sv39::Privilege privilege,
                                      sv39::Sum sum = sv39::Sum::clear) const;
};

/// Walks until two walks in a row read the same entries, at most `tries` times.
[[nodiscard]] Explanation explain(const Ram& ram, u64 root, Mode mode, u64 va, unsigned tries = 6);

/// Why the walk ended, in words; names the level and the culprit.
[[nodiscard]] std::string describe_end(const Explanation& walk);

/// One bit or field of a PTE: its name, its value and what that means here.
struct BitMeaning {
  std::string name;
  unsigned high = 0;
  unsigned low = 0;
  u64 value = 0;
  std::string meaning;
};
[[nodiscard]] std::vector<BitMeaning> pte_bits(u64 pte, unsigned level);

}  // namespace foliowalk
