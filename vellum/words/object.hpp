// SPDX-License-Identifier: MIT
#pragma once
// Where the parts of a kernel's objects lie, by their names in its debug information.

#include <optional>
#include <string>
#include <string_view>

#include "vellum/debug/debug_info.hpp"

namespace vellum {

/// A part of an object.
struct Part {
  debug::u64 offset = 0;
  debug::Type type;  // without aliases and qualifiers
};

/// The member at a path such as "value_.slots_" of a structure; base classes' members count as its own. Nothing if it
/// has none.
[[nodiscard]] std::optional<Part> part_of(const debug::Dwarf& dwarf, const debug::Type& type, std::string_view path);

/// The enumeration in a wrapper such as std::atomic<State>, which is as large; the type itself if it is one.
[[nodiscard]] std::optional<debug::Type> enumeration_in(const debug::Dwarf& dwarf, const debug::Type& type);

/// What the first parameter of the function at this address points or refers to; nothing where the file does not tell.
[[nodiscard]] std::optional<debug::Type> first_parameter(const debug::DebugInfo& info, debug::u64 function);

/// The innermost part of an object that begins `offset` bytes from its start, or holds that byte: "[3].lock"; empty for
/// the object itself.
[[nodiscard]] std::string path_to(const debug::Dwarf& dwarf, const debug::Type& type, debug::u64 offset);

/// "process::the_table" for a name that is mangled and of no more than namespaces; any other as it is.
[[nodiscard]] std::string plain_name(std::string_view symbol);

}  // namespace vellum
