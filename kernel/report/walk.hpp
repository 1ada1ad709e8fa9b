// SPDX-License-Identifier: MIT
#pragma once
// A fault in words: the walk that the hardware made and what it came to. The panic screen gives each level a line, the
// report of a program's end puts all in one; both say the same.

#include <string_view>

#include "report/line.hpp"
#include "sv39/explain.hpp"

namespace report {

/// Walks `va` from the table at `root`, reading RAM only: tables may be anywhere and hold anything.
[[nodiscard]] sv39::Walk walk_of(sv39::PhysAddr root, sv39::VirtAddr va);

/// Adds to `line` what `walk` means for this access: the manual's verdict, or where a walk leads that the table permits
/// and nothing answers.
void add_conclusion(Line& line, const sv39::Walk& walk, sv39::Access access, sv39::Privilege privilege);

/// Adds index and entry of each level, and the conclusion.
void add_walk(Line& line, const sv39::Walk& walk, sv39::Access access, sv39::Privilege privilege);

/// Prints the walk, one line for each level, with the failing one marked, and the conclusion. Root 0 is said to be what
/// it is.
void print_walk(const sv39::Walk& walk, sv39::Access access, sv39::Privilege privilege);

/// The part of the address space that an address is in: "user half", "kernel text"...
[[nodiscard]] std::string_view place_of(u64 address);

}  // namespace report
