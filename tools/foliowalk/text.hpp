// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "tools/foliowalk/diff.hpp"
#include "tools/foliowalk/frames.hpp"
#include "tools/foliowalk/lint.hpp"
#include "tools/foliowalk/ranges.hpp"
#include "tools/foliowalk/walk.hpp"

namespace foliowalk {

// What the commands print for people. Every function gives whole lines.

[[nodiscard]] std::string text_of_spaces(const Scene& scene);
[[nodiscard]] std::string text_of_map(const Space& space, const std::vector<Range>& ranges);
/// `depth` levels are opened; runs of equal neighbours are one line.
[[nodiscard]] std::string text_of_tree(const Space& space, unsigned depth);
[[nodiscard]] std::string text_of_walk(const Explanation& walk, std::string_view title);
[[nodiscard]] std::string text_of_frame(const Scene& scene, u64 pa);
[[nodiscard]] std::string text_of_differences(const std::vector<Difference>& differences);
[[nodiscard]] std::string text_of_findings(const std::vector<Finding>& findings);

}  // namespace foliowalk
