// SPDX-License-Identifier: MIT
#pragma once
// What is said of findings, of harts and of entries: for people, or as JSON.

#include <span>
#include <string>

#include "tools/vellum/vm.hpp"
#include "vellum/judge/judges.hpp"
#include "vellum/words/names.hpp"

namespace vellum_tool {

/// A finding with its lines, its cause and the entries on the way to its address as they are now.
[[nodiscard]] std::string describe(const vellum::Finding& finding, const vellum::Names& names,
                                   std::span<const vellum::WalkStep> walk);

/// The same as one JSON object and a newline.
[[nodiscard]] std::string describe_as_json(const vellum::Finding& finding, const vellum::Names& names,
                                           std::span<const vellum::WalkStep> walk);

/// What each hart is doing, with its call chain.
[[nodiscard]] std::string describe_harts(const Vm& machine, const vellum::Names& names);

/// One store into an entry.
[[nodiscard]] std::string describe(const vellum::EntryChange& change, const vellum::Names& names);

}  // namespace vellum_tool
