// SPDX-License-Identifier: MIT
#pragma once
// DWARF's ground floor: sections, units, abbreviations, and the values that attributes have.

#include "vellum/debug/arena.hpp"
#include "vellum/debug/dwarf_numbers.hpp"
#include "vellum/debug/elf.hpp"

namespace vellum::debug {

/// Where entries lie: .debug_info, or DWARF 4's .debug_types.
enum class Home : u8 { info, types };

/// A unit of entries: what one compiler run said of one source file.
struct Unit {
  Home home = Home::info;
  u64 begin = 0;  // offset of its header
  u64 first = 0;  // offset of its first entry
  u64 end = 0;
  u16 version = 0;
  u8 kind = 0;  // unit_kind
  u8 offset_size = 4;  // 8 in 64-bit DWARF
  u32 abbreviations = 0;  // which table
  u64 abbreviation_offset = 0;
  u64 signature = 0;    // of a type unit
  u64 type_offset = 0;  // of a type unit's type, from begin
  // Where this unit's part of the index tables begins; nothing when its first entry does not say.
  std::optional<u64> str_offsets_base, addr_base, rnglists_base, loclists_base;
  std::optional<u64> low_pc;
  std::string_view problem;  // why nothing in it can be read; empty when all is well

  [[nodiscard]] bool is_type_unit() const {
    return home == Home::types || kind == unit_kind::type || kind == unit_kind::split_type;
  }
};

/// An attribute as it stands in the file. Numbers are in `value`, sign-extended for the signed forms; blocks, strings
/// and 16-byte constants are in `bytes`.
struct Attribute {
  u16 name = 0;
  u16 form = 0;
  u64 value = 0;
  Bytes bytes;
};

class Dwarf;

/// A debugging information entry. All its attributes have been found to lie within its unit.
class Entry {
 public:
  [[nodiscard]] const Unit& unit() const { return *unit_; }
  /// Offset in its section.
  [[nodiscard]] u64 offset() const { return offset_; }
  /// Offset of what comes after its attributes.
  [[nodiscard]] u64 end() const { return end_; }
  [[nodiscard]] u16 tag() const { return tag_; }
  [[nodiscard]] bool has_children() const { return has_children_; }
  /// The attribute of that name, when the entry itself has it.
  [[nodiscard]] std::optional<Attribute> find(u16 name) const;
  [[nodiscard]] bool has(u16 name) const { return find(name).has_value(); }
  /// A flag attribute that is there and says yes.
  [[nodiscard]] bool flag(u16 name) const;
  /// One number for each entry of the file, to keep entries apart by.
  [[nodiscard]] u64 key() const { return offset_ << 1 | (unit_->home == Home::types ? 1 : 0); }

 private:
  friend class Dwarf;

  const Unit* unit_ = nullptr;
  u64 offset_ = 0;
  u64 end_ = 0;
  u16 tag_ = 0;
  bool has_children_ = false;
  Reader specification_;  // name and form of each attribute, in .debug_abbrev
  Reader values_;
};

/// The debug information of an ELF file: DWARF 2 to 5, 32-bit and 64-bit, as GCC and clang write it.
class Dwarf {
 public:
  /// Finds all units and abbreviations; their index is in the arena's memory. Errors: no debug information at all, or
  /// damage that leaves nothing to stand on. A unit that cannot be read does not spoil the others: Unit::problem.
  [[nodiscard]] static Result<Dwarf> open(const Elf& elf, Arena& arena);

  [[nodiscard]] std::span<const Unit> units() const { return units_; }
  [[nodiscard]] Result<Entry> root(const Unit& unit) const { return entry_at(unit, unit.first); }
  /// The entry at a section offset that lies in `unit`. Errors: not an entry's place, or one that is cut off.
  [[nodiscard]] Result<Entry> entry_at(const Unit& unit, u64 offset) const;
  /// The entry that a key names.
  [[nodiscard]] Result<Entry> entry(u64 key) const;

  /// The attribute's value in the classes that DWARF has. Errors: the attribute is of another class, or its value lies
  /// outside the file.
  [[nodiscard]] Result<std::string_view> string(const Unit& unit, const Attribute& attribute) const;
  [[nodiscard]] Result<u64> number(const Unit& unit, const Attribute& attribute) const;
  [[nodiscard]] Result<u64> address(const Unit& unit, const Attribute& attribute) const;
  [[nodiscard]] Result<Entry> reference(const Unit& unit, const Attribute& attribute) const;
  /// The attribute's bytes where it is a block or an expression; nothing where it is of another class.
  [[nodiscard]] static std::optional<Bytes> block(const Attribute& attribute);
  /// Address number `index` of the unit's part of .debug_addr.
  [[nodiscard]] Result<u64> indexed_address(const Unit& unit, u64 index) const;

  /// The entry's name; empty where it has none (an anonymous structure). Looks through to the entry of which this one
  /// is the definition or an instance.
  [[nodiscard]] Result<std::string_view> name(const Entry& entry) const;
  /// The attribute of the entry, or of the one of which it is the definition or an instance; nothing when neither has
  /// it. `where` becomes the unit in which its value is to be read.
  [[nodiscard]] Result<std::optional<Attribute>> integrated(const Entry& entry, u16 name, const Unit*& where) const;
  /// The entry that this one is the definition or an instance of; nothing when it stands for itself.
  [[nodiscard]] Result<std::optional<Entry>> origin(const Entry& entry) const;

  /// Reads the value of an attribute whose form is set already; `constant` is that of DW_FORM_implicit_const. False
  /// when the form is unknown or the value is cut off. Of the unit only version and offset size count.
  [[nodiscard]] static bool read_value(Reader& in, const Unit& unit, Attribute& attribute, i64 constant);

  [[nodiscard]] const Elf& elf() const { return elf_; }
  [[nodiscard]] Bytes entries(Home home) const { return home == Home::info ? info_ : types_; }
  [[nodiscard]] Bytes line() const { return line_; }
  [[nodiscard]] Bytes line_str() const { return line_str_; }
  [[nodiscard]] Bytes str() const { return str_; }
  [[nodiscard]] Bytes ranges() const { return ranges_; }
  [[nodiscard]] Bytes rnglists() const { return rnglists_; }
  [[nodiscard]] Bytes loc() const { return loc_; }
  [[nodiscard]] Bytes loclists() const { return loclists_; }

 private:
  friend class Entry;

  struct Abbreviation {
    u64 code = 0;
    u64 attributes = 0;  // offset in .debug_abbrev
    u16 tag = 0;
    bool has_children = false;
  };
  struct Table {
    u64 offset = 0;
    std::span<Abbreviation> abbreviations;  // by code
    std::string_view problem;
  };

  [[nodiscard]] Result<void> find_sections();
  [[nodiscard]] Result<usize> count_units(Home home, std::span<Unit> room) const;
  [[nodiscard]] Result<void> read_abbreviations(Arena& arena);
  [[nodiscard]] Result<void> read_table(Table& table, u64& budget, Arena& arena);
  void read_root(Unit& unit) const;
  [[nodiscard]] const Abbreviation* abbreviation(const Unit& unit, u64 code) const;
  [[nodiscard]] Result<Entry> entry_in(Home home, u64 offset) const;
  [[nodiscard]] Result<u64> string_index(const Unit& unit, u64 index) const;

  Elf elf_;
  Bytes info_, types_, abbrev_, str_, line_, line_str_, str_offsets_, addr_, ranges_, rnglists_, loc_, loclists_;
  std::span<Unit> units_;
  std::span<Table> tables_;
};

/// Walks over the entries of a unit, each before its children.
class Walk {
 public:
  Walk(const Dwarf& dwarf, const Unit& unit) : dwarf_(&dwarf), unit_(&unit), next_(unit.first) {}
  /// Walks over what stands below `entry`.
  [[nodiscard]] static Walk below(const Dwarf& dwarf, const Entry& entry);

  /// Moves to the next entry; false when there is none.
  [[nodiscard]] Result<bool> next();
  [[nodiscard]] const Entry& entry() const { return entry_; }
  /// 0 for the unit's first entry, or for a child of the entry given to below().
  [[nodiscard]] unsigned depth() const { return depth_of_entry_; }
  /// Leaves out the children of the entry that was met last.
  [[nodiscard]] Result<void> skip_children();

 private:
  const Dwarf* dwarf_;
  const Unit* unit_;
  u64 next_;
  unsigned depth_ = 0;
  unsigned depth_of_entry_ = 0;
  bool ended_ = false;
  Entry entry_;
};

}  // namespace vellum::debug
