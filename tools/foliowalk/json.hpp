// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include "tools/foliowalk/diff.hpp"
#include "tools/foliowalk/frames.hpp"
#include "tools/foliowalk/lint.hpp"
#include "tools/foliowalk/ranges.hpp"
#include "tools/foliowalk/walk.hpp"

namespace foliowalk {

/// JSON for scripts and for the web page. Addresses and entries are strings such as "0x3ffffff000": a JavaScript number
/// cannot hold 64 bits.
[[nodiscard]] std::string hex(u64 value);
[[nodiscard]] nlohmann::json json_of_summary(const Scene& scene);
[[nodiscard]] nlohmann::json json_of(const Scene& scene, const Space& space);
[[nodiscard]] nlohmann::json json_of(const std::vector<Range>& ranges);
[[nodiscard]] nlohmann::json json_of(const Explanation& walk);
[[nodiscard]] nlohmann::json json_of(const std::vector<Difference>& differences);
[[nodiscard]] nlohmann::json json_of(const std::vector<Finding>& findings);
[[nodiscard]] nlohmann::json json_of(const std::vector<FrameUser>& users);
/// One node of the tree with its valid entries. `path` is the indices that lead to it from the root, "255.511"; empty
/// for the root itself. Null when no table is there.
[[nodiscard]] nlohmann::json json_of_node(const Tree& tree, std::string_view path);
/// The whole tree, nodes nested.
[[nodiscard]] nlohmann::json json_of_tree(const Tree& tree);
/// Kind and owner of every frame of RAM, as runs of equal frames: compact enough to send each second.
[[nodiscard]] nlohmann::json json_of_frames(const Scene& scene);

}  // namespace foliowalk
