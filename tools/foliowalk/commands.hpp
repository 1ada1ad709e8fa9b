// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "tools/foliowalk/session.hpp"

namespace foliowalk {

enum class Output { text, json };

// One function per command; each prints its answer and returns the exit status: 0 done, 1 lint found faults.
// A Failure is printed by main as "foliowalk: ..." with exit status 2.
[[nodiscard]] Outcome<int> command_ps(Source& source, Output output);
[[nodiscard]] Outcome<int> command_map(Source& source, Output output, const std::string& space, bool with_kernel);
[[nodiscard]] Outcome<int> command_tree(Source& source, Output output, const std::string& space, unsigned depth);
[[nodiscard]] Outcome<int> command_explain(Source& source, Output output, const std::string& space,
                                           const std::string& va);
[[nodiscard]] Outcome<int> command_frame(Source& source, Output output, const std::string& pa);
/// `a` and `b` are spaces of `source`, or, when `other` is there, the same space in two guests or moments.
[[nodiscard]] Outcome<int> command_diff(Source& source, Source* other, Output output, const std::string& a,
                                        const std::string& b);
[[nodiscard]] Outcome<int> command_diff_after(Source& source, Output output, const std::string& space, double seconds);
[[nodiscard]] Outcome<int> command_lint(Source& source, Output output, bool with_advice);
[[nodiscard]] Outcome<int> command_watch(Source& source, const Session& session, Output output, double seconds,
                                         unsigned interval_ms);
/// Walks everything `count` times; prints how long it took and what went wrong.
[[nodiscard]] Outcome<int> command_soak(Source& source, Output output, unsigned count);

}  // namespace foliowalk
