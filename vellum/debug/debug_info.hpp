// SPDX-License-Identifier: MIT
#pragma once
// Everything that an ELF file says about its program, under one roof: names, lines, variables.

#include "vellum/debug/functions.hpp"
#include "vellum/debug/lines.hpp"
#include "vellum/debug/scope.hpp"
#include "vellum/debug/symbols.hpp"
#include "vellum/debug/type.hpp"

namespace vellum::debug {

/// What is known of an address in code, for one function or expanded call.
struct Place {
  std::string_view function;  // without its scope; a symbol's name where there is no debug information; may be empty
  std::optional<Entry> entry;  // the function's, for scope_of(); nothing where only a symbol is known
  u64 offset = 0;  // from the beginning of the function
  std::optional<FileName> file;
  std::optional<u32> line;
};

/// A variable that is always at one address.
struct Variable {
  u64 address = 0;
  Entry entry;
  Type type;
};

class DebugInfo {
 public:
  /// Reads the file, which stays where it is, and puts itself and its indexes into the arena. A file without debug
  /// information, or with damaged one, still has its symbols. Errors: not an ELF file; too little memory.
  [[nodiscard]] static Result<const DebugInfo*> open(Bytes file, Arena& arena);

  [[nodiscard]] const Elf& elf() const { return elf_; }
  [[nodiscard]] const Symbols& symbols() const { return symbols_; }
  /// Null where there is none that can be read; why_not() says why.
  [[nodiscard]] const Dwarf* dwarf() const { return why_not_ ? nullptr : &dwarf_; }
  [[nodiscard]] const std::optional<Error>& why_not() const { return why_not_; }
  /// The first unit that cannot be read, if any: the others are read all the same.
  [[nodiscard]] std::optional<Error> damage() const;

  /// The function at `address` with its line, innermost expanded call first; from the symbols alone where there is no
  /// debug information. Returns how many places there are, 0 when nothing is known.
  [[nodiscard]] usize places_at(u64 address, std::span<Place> out) const;

  /// A global or static variable by its full name ("process::table"), or by its last part where only one is called so.
  /// Errors: none or several of that name; one that has no fixed address, or whose type cannot be read.
  [[nodiscard]] Result<Variable> variable(std::string_view name) const;

  /// The unit whose code is at `address`; null when none is known.
  [[nodiscard]] const Unit* unit_at(u64 address) const;

 private:
  struct UnitExtent {
    Range range;
    const Unit* unit = nullptr;
  };

  enum class Match : u8 { none, end, full };

  [[nodiscard]] Result<void> index_units(Arena& arena);
  [[nodiscard]] Match match(const Entry& variable, const Scope& scope, std::string_view name) const;
  void add_lines(const Unit& unit, u64 address, std::span<const Instance> calls, std::span<Place> places) const;

  Elf elf_;
  Symbols symbols_;
  Dwarf dwarf_;
  Functions functions_;
  std::span<UnitExtent> units_;
  std::optional<Error> why_not_;
};

}  // namespace vellum::debug
