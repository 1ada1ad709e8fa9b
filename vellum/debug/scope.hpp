// SPDX-License-Identifier: MIT
#pragma once
// Goes over the entries of a unit with the names of what they stand in, for names such as process::table.

#include <array>

#include "vellum/debug/dwarf.hpp"

namespace vellum::debug {

/// The namespaces, classes and functions around an entry, outermost first. The anonymous ones leave no trace.
class Scope {
 public:
  [[nodiscard]] std::span<const std::string_view> names() const { return std::span(names_).first(count_); }
  /// False when the program nests deeper than any real one does.
  [[nodiscard]] bool enter(unsigned depth, std::string_view name);
  /// Leaves everything that was entered at `depth` or below it.
  void leave_to(unsigned depth);

 private:
  static constexpr usize most_names = 64;
  std::array<std::string_view, most_names> names_{};
  std::array<unsigned, most_names> depths_{};
  usize count_ = 0;
};

/// Whether the names in such an entry are qualified with its own.
[[nodiscard]] bool is_scope(const Entry& entry);

/// Writes "scope::scope::name" to `out` as far as there is room; returns the part that was written.
[[nodiscard]] std::string_view spell(const Scope& scope, std::string_view name, std::span<char> out);

/// What a visitor wants next.
enum class Next : u8 { into, over, stop };

/// Calls `visitor(entry, scope)` for every entry of the unit, each before its children; it returns a Next. Errors: the
/// first entry that cannot be read.
template <typename Visitor>
[[nodiscard]] Result<void> visit(const Dwarf& dwarf, const Unit& unit, Visitor&& visitor) {
  Walk walk(dwarf, unit);
  Scope scope;
  for (;;) {
    const auto more = walk.next();
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    const Entry& entry = walk.entry();
    scope.leave_to(walk.depth());
    const Next next = visitor(entry, scope);
    if (next == Next::stop) return {};
    if (next == Next::over) {
      if (const auto skipped = walk.skip_children(); !skipped) return skipped;
    } else if (entry.has_children() && is_scope(entry)) {
      const auto name = dwarf.name(entry);
      if (!name) return std::unexpected(name.error());
      if (!name->empty() && !scope.enter(walk.depth(), *name)) {
        return fail("scopes are nested deeper than any program does", ".debug_info", entry.offset());
      }
    }
  }
}

/// The scope that an entry stands in. Of a definition whose declaration stands elsewhere (a member function, a static
/// member), that of the declaration.
[[nodiscard]] Result<Scope> scope_of(const Dwarf& dwarf, const Entry& entry);

}  // namespace vellum::debug
