// SPDX-License-Identifier: MIT
#pragma once
// Where a page-table entry leads, and what a change of it means, in words.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vellum/machine/memory.hpp"
#include "vellum/mmu/walk.hpp"

namespace vellum {

/// What stands in RAM at this physical address; nothing outside of it.
[[nodiscard]] std::optional<u64> entry_in(const Memory& memory, u64 place);

/// The entries on the way to an address, of which `value_of(step)` gives the values; where it gives none, the way ends.
[[nodiscard]] std::vector<WalkStep> way_to(u64 satp, u64 address, AccessKind kind,
                                           const std::function<std::optional<u64>(const WalkStep&)>& value_of);
/// As they stand in memory now.
[[nodiscard]] std::vector<WalkStep> way_to(const Memory& memory, u64 satp, u64 address, AccessKind kind);

/// What an address is mapped to, if it is.
struct Target {
  bool is_mapped = false;
  u64 frame = 0;  // physical address of the page
  u64 rights = 0;  // the leaf's bits R, W, X, U and G
  u32 level = 0;
  friend bool operator==(const Target&, const Target&) = default;
};

/// Of a leaf as the hardware takes it; of anything else: nothing. A and D do not count.
[[nodiscard]] Target target_of(u64 entry, u32 level);
/// At the end of a walk, whose last step is the leaf if there is one.
[[nodiscard]] Target target_of(std::span<const WalkStep> way);

/// "0x87e21000 r-xu-, 4 KiB", or "nothing".
[[nodiscard]] std::string describe(const Target& target);

/// "mapped to ...", "no longer mapped ...", "made read-only ...": from one target to another, which differ.
[[nodiscard]] std::string change_in_words(const Target& before, const Target& after);

/// The same of one entry of this level, which may also lead to a table.
[[nodiscard]] std::string change_in_words(u64 before, u64 after, u32 level);

}  // namespace vellum
