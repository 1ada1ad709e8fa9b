// SPDX-License-Identifier: MIT
#include "vellum/debug/symbols.hpp"

#include <algorithm>

namespace vellum::debug {
namespace {

constexpr u32 symbol_table = 2;  // SHT_SYMTAB
constexpr usize symbol_size = 24;

// st_info's low half.
constexpr u8 type_object = 1, type_function = 2, type_section = 3, type_file = 4;

/// The symbol at `index` of the table; nothing for those that name no place in the program.
std::optional<Symbol> symbol_in(Bytes table, Bytes names, usize index) {
  Reader in(table, ".symtab", index * symbol_size);
  const u32 name = in.word();
  const u8 info = in.byte();
  in.skip(1);
  const u16 section = in.half();
  Symbol symbol;
  symbol.address = in.giant();
  symbol.size = in.giant();
  const u8 type = info & 0xf;
  if (!in.ok() || section == 0 || type == type_section || type == type_file) return std::nullopt;
  const auto text = string_at(names, name);
  // ".L12", "$x": labels of the compiler and marks of the assembler.
  if (!text || text->empty() || text->front() == '.' || text->front() == '$') return std::nullopt;
  symbol.name = *text;
  symbol.kind = type == type_function ? SymbolKind::function
                : type == type_object ? SymbolKind::object
                                      : SymbolKind::label;
  return symbol;
}

/// Of two symbols at one address the later is the better name.
bool is_before(const Symbol& a, const Symbol& b) {
  if (a.address != b.address) return a.address < b.address;
  if ((a.size != 0) != (b.size != 0)) return b.size != 0;
  if (a.kind != b.kind) return a.kind < b.kind;
  return a.name > b.name;
}

}  // namespace

Result<Symbols> Symbols::read(const Elf& elf, Arena& arena) {
  Symbols symbols;
  Section table;
  usize loaded = 0;
  for (usize i = 0; i < elf.section_count(); ++i) {
    const auto section = elf.section(i);
    if (section) {
      loaded += section->is_loaded();
      if (section->type == symbol_table && table.bytes.empty()) table = *section;
    } else if (section.error().section == ".symtab") {
      return std::unexpected(section.error());
    }
  }
  auto extents = arena.take<Extent>(loaded);
  if (!extents) return std::unexpected(extents.error());
  symbols.sections_ = *extents;
  for (usize i = 0, known = 0; i < elf.section_count() && known < loaded; ++i) {
    const auto section = elf.section(i);
    if (section && section->is_loaded()) (*extents)[known++] = {section->address, section->address + section->size};
  }

  if (table.bytes.empty()) return symbols;
  const auto names = elf.section(table.link);
  if (!names) return std::unexpected(names.error());
  const usize all = table.bytes.size() / symbol_size;
  usize count = 0;
  for (usize i = 0; i < all; ++i) count += symbol_in(table.bytes, names->bytes, i).has_value();
  auto room = arena.take<Symbol>(count);
  if (!room) return std::unexpected(room.error());
  usize next = 0;
  for (usize i = 0; i < all; ++i) {
    if (const auto symbol = symbol_in(table.bytes, names->bytes, i)) (*room)[next++] = *symbol;
  }
  std::ranges::sort(*room, is_before);
  symbols.symbols_ = *room;
  return symbols;
}

const Symbol* Symbols::find(std::string_view name) const {
  const auto found = std::ranges::find(symbols_, name, &Symbol::name);
  return found == symbols_.end() ? nullptr : &*found;
}

const Symbol* Symbols::at(u64 address) const {
  // Labels may lie inside what covers the address, and symbols may overlap: some steps back are enough to see past.
  constexpr int most_steps = 64;
  const auto after = std::ranges::upper_bound(symbols_, address, {}, &Symbol::address);
  const Symbol* label = nullptr;
  auto at = after;
  for (int step = 0; step < most_steps && at != symbols_.begin(); ++step) {
    const Symbol& symbol = *--at;
    if (symbol.size == 0) {
      if (!label) label = &symbol;
    } else if (address - symbol.address < symbol.size) {
      return &symbol;
    }
  }
  if (!label) return nullptr;
  const bool same_section = std::ranges::any_of(sections_, [&](const Extent& section) {
    return label->address >= section.begin && label->address <= section.end && address >= section.begin &&
           address < section.end;
  });
  return same_section ? label : nullptr;
}

}  // namespace vellum::debug
