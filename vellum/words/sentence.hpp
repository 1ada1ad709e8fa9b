// SPDX-License-Identifier: MIT
#pragma once
// What a judge found, in a sentence for people. For programs: this folder allocates.

#include <string>

#include "vellum/judge/finding.hpp"

namespace vellum {

/// "0x80001234".
[[nodiscard]] std::string in_hex(u64 value);

/// "load", "store", "fetch".
[[nodiscard]] const char* name_of(AccessKind kind);

/// What happened, with its addresses.
[[nodiscard]] std::string sentence_of(const Finding& finding);

/// Where the manual, or common sense, says that it must not happen.
[[nodiscard]] const char* source_of(Rule rule);

}  // namespace vellum
