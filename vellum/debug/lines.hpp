// SPDX-License-Identifier: MIT
#pragma once
// Line tables: which line of which file the code at an address comes from (DWARF 5, section 6.2, and versions 2 to 4).

#include "vellum/debug/dwarf.hpp"

namespace vellum::debug {

/// One row of a line table: holds from its address up to the next row's.
struct Row {
  u64 address = 0;
  u64 file = 1;
  std::optional<u32> line;  // nothing for code that the compiler assigns to no line
  u32 column = 0;
  bool is_statement = false;
  bool is_prologue_end = false;
  bool ends_sequence = false;  // one past the last address of a piece of code; nothing holds from here on
};

/// A source file as the compiler named it. A relative name counts from the directory, a relative directory from that
/// in which the compiler ran.
struct FileName {
  std::string_view name;
  std::string_view directory;
  std::string_view compiled_in;
};

/// Writes the file's path with as many directories as it takes; returns the part that there was room for.
[[nodiscard]] std::string_view spell(const FileName& file, std::span<char> out);

/// The line table of one unit; reads as a sequence of rows.
class LineTable {
 public:
  /// Errors: the unit has none, or its header is broken.
  [[nodiscard]] static Result<LineTable> of(const Dwarf& dwarf, const Unit& unit);

  /// Moves to the next row; false at the end.
  [[nodiscard]] Result<bool> next();
  [[nodiscard]] const Row& row() const { return row_; }
  /// Begins anew.
  void rewind();

  /// The row that holds at `address`; nothing when none does. Begins anew, and ends anywhere.
  [[nodiscard]] Result<std::optional<Row>> row_at(u64 address);

  /// The file that a row's number names. Errors: no such number.
  [[nodiscard]] Result<FileName> file(u64 number) const;

 private:
  /// A table of names in the header: since DWARF 5 its columns vary.
  struct Names {
    Reader format;
    u8 columns = 0;
    u64 count = 0;
    Reader entries;
  };
  struct NameEntry {
    std::string_view name;
    u64 directory = 0;
  };

  [[nodiscard]] Result<void> read_header();
  [[nodiscard]] Result<void> read_old_names(Reader& in);
  [[nodiscard]] Result<Names> read_names(Reader& in) const;
  [[nodiscard]] Result<NameEntry> read_name(const Names& names, Reader& in) const;
  [[nodiscard]] Result<NameEntry> name_number(const Names& names, u64 number) const;
  [[nodiscard]] Result<FileName> old_file(u64 number) const;
  void advance(u64 operations);
  [[nodiscard]] Result<bool> standard(u8 code);
  [[nodiscard]] Result<bool> extended();
  bool special(u8 code);
  bool emit();
  void begin_sequence();

  const Dwarf* dwarf_ = nullptr;
  const Unit* unit_ = nullptr;
  std::string_view compiled_in_;
  Unit table_;  // version and offset size of the table itself
  u8 minimum_length_ = 1;
  u8 operations_per_instruction_ = 1;
  bool default_is_statement_ = true;
  std::int8_t line_base_ = 0;
  u8 line_range_ = 1;
  u8 opcode_base_ = 1;
  Reader lengths_;  // how many operands each standard opcode has
  Reader directories_;  // of versions 2 to 4
  Reader files_;
  Names new_directories_;
  Names new_files_;
  Reader program_;
  Reader in_;

  struct State {
    u64 address = 0, file = 1, line = 1, column = 0, operation = 0;
    bool is_statement = false, is_prologue_end = false;
  };
  State state_;
  Row row_;
};

}  // namespace vellum::debug
