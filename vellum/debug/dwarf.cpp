// SPDX-License-Identifier: MIT
#include "vellum/debug/dwarf.hpp"

#include <algorithm>

namespace vellum::debug {
namespace {

constexpr std::string_view abbrev_name = ".debug_abbrev";

std::string_view name_of(Home home) { return home == Home::info ? ".debug_info" : ".debug_types"; }

/// A table of abbreviations costs at least this much in the file.
constexpr u64 least_abbreviation = 4;

constexpr bool is_known_kind(u8 kind) { return kind >= unit_kind::compile && kind <= unit_kind::split_type; }

/// The header of a unit, from its version on; what is wrong with it goes into Unit::problem.
void read_header(Reader& in, Unit& unit) {
  unit.version = in.half();
  if (unit.version < 2 || unit.version > 5) {
    unit.problem = "the unit is of a DWARF version other than 2 to 5";
    return;
  }
  u8 address_size = 0;
  if (unit.version == 5) {
    unit.kind = in.byte();
    address_size = in.byte();
    unit.abbreviation_offset = in.number(unit.offset_size);
  } else {
    unit.kind = unit.home == Home::types ? unit_kind::type : unit_kind::compile;
    unit.abbreviation_offset = in.number(unit.offset_size);
    address_size = in.byte();
  }
  if (!is_known_kind(unit.kind)) {
    unit.problem = "the unit is of a kind that DWARF 5 does not have";
  } else if (unit.kind == unit_kind::skeleton || unit.kind == unit_kind::split_compile) {
    in.skip(8);
    if (unit.kind == unit_kind::skeleton)
      unit.problem = "the unit's debug information is in another file (-gsplit-dwarf)";
  } else if (unit.is_type_unit()) {
    unit.signature = in.giant();
    unit.type_offset = in.number(unit.offset_size);
  }
  if (unit.problem.empty() && address_size != 8) unit.problem = "the unit's addresses are not of 8 bytes";
  if (!in.ok()) unit.problem = "the unit is cut off in its header";
  unit.first = in.offset();
}

}  // namespace

Result<void> Dwarf::find_sections() {
  struct Wanted {
    std::string_view name;
    Bytes Dwarf::* bytes;
  };
  constexpr Wanted wanted[] = {
      {".debug_info", &Dwarf::info_},     {".debug_types", &Dwarf::types_},
      {abbrev_name, &Dwarf::abbrev_},     {".debug_str", &Dwarf::str_},
      {".debug_line", &Dwarf::line_},     {".debug_line_str", &Dwarf::line_str_},
      {".debug_addr", &Dwarf::addr_},     {".debug_str_offsets", &Dwarf::str_offsets_},
      {".debug_ranges", &Dwarf::ranges_}, {".debug_rnglists", &Dwarf::rnglists_},
      {".debug_loc", &Dwarf::loc_},       {".debug_loclists", &Dwarf::loclists_},
  };
  for (const Wanted& one : wanted) {
    const auto section = elf_.find(one.name);
    if (!section) return std::unexpected(section.error());
    if (*section) this->*one.bytes = (*section)->bytes;
  }
  if (info_.empty()) return fail("the file has no debug information (.debug_info); compile with -g, and do not strip");
  return {};
}

Result<usize> Dwarf::count_units(Home home, std::span<Unit> room) const {
  Reader in(entries(home), name_of(home));
  usize count = 0;
  while (!in.at_end()) {
    Unit unit;
    unit.home = home;
    unit.begin = in.offset();
    u64 length = in.word();
    if (length == 0xffff'ffff) {
      unit.offset_size = 8;
      length = in.giant();
    } else if (length >= 0xffff'fff0) {
      return fail("a unit has a length that is reserved", name_of(home), unit.begin);
    }
    Reader header = in.part(length);
    if (!header.ok()) return fail("a unit goes on after the end of its section", name_of(home), unit.begin);
    in.skip(length);
    unit.end = in.offset();
    // The linker may pad; a unit of no length is nothing.
    if (length == 0) continue;
    read_header(header, unit);
    if (count < room.size()) room[count] = unit;
    ++count;
  }
  return count;
}

Result<Dwarf> Dwarf::open(const Elf& elf, Arena& arena) {
  Dwarf dwarf;
  dwarf.elf_ = elf;
  if (const auto found = dwarf.find_sections(); !found) return std::unexpected(found.error());
  const auto in_info = dwarf.count_units(Home::info, {});
  if (!in_info) return std::unexpected(in_info.error());
  const auto in_types = dwarf.count_units(Home::types, {});
  if (!in_types) return std::unexpected(in_types.error());
  auto room = arena.take<Unit>(*in_info + *in_types);
  if (!room) return std::unexpected(room.error());
  dwarf.units_ = *room;
  // Both have been counted: they cannot fail now.
  (void)dwarf.count_units(Home::info, room->first(*in_info));
  (void)dwarf.count_units(Home::types, room->subspan(*in_info));
  if (const auto read = dwarf.read_abbreviations(arena); !read) return std::unexpected(read.error());
  for (Unit& unit : dwarf.units_) dwarf.read_root(unit);
  return dwarf;
}

Result<void> Dwarf::read_abbreviations(Arena& arena) {
  // Units may share a table; each table is read once.
  auto order = arena.take<u32>(units_.size());
  if (!order) return std::unexpected(order.error());
  for (usize i = 0; i < order->size(); ++i) (*order)[i] = static_cast<u32>(i);
  const auto offset_of = [&](u32 unit) { return units_[unit].abbreviation_offset; };
  std::ranges::sort(*order, {}, offset_of);
  usize count = 0;
  for (usize i = 0; i < order->size(); ++i) count += i == 0 || offset_of((*order)[i]) != offset_of((*order)[i - 1]);
  auto tables = arena.take<Table>(count);
  if (!tables) return std::unexpected(tables.error());
  tables_ = *tables;
  // Tables do not overlap, so that together they have no more abbreviations than the section has room for.
  u64 budget = abbrev_.size() / least_abbreviation + 1;
  u32 next = 0;
  for (usize i = 0; i < order->size(); ++i) {
    Unit& unit = units_[(*order)[i]];
    if (i == 0 || unit.abbreviation_offset != offset_of((*order)[i - 1])) {
      tables_[next].offset = unit.abbreviation_offset;
      if (const auto read = read_table(tables_[next++], budget, arena); !read) return read;
    }
    unit.abbreviations = next - 1;
    if (unit.problem.empty()) unit.problem = tables_[next - 1].problem;
  }
  return {};
}

Result<void> Dwarf::read_table(Table& table, u64& budget, Arena& arena) {
  const auto each = [&](auto&& keep) -> std::string_view {
    Reader in(abbrev_, abbrev_name, table.offset);
    while (in.ok()) {
      Abbreviation abbreviation;
      abbreviation.code = in.uleb();
      if (abbreviation.code == 0) break;
      const u64 tag = in.uleb();
      abbreviation.tag = tag > 0xffff ? 0 : static_cast<u16>(tag);
      abbreviation.has_children = in.byte() != 0;
      abbreviation.attributes = in.offset();
      for (;;) {
        const u64 name = in.uleb();
        const u64 form = in.uleb();
        if (form == form::implicit_const) (void)in.sleb();
        if ((name == 0 && form == 0) || !in.ok()) break;
      }
      if (in.ok() && !keep(abbreviation)) return "the unit's table of abbreviations overlaps another";
    }
    return in.ok() ? std::string_view() : "the unit's table of abbreviations is cut off, or not in the file";
  };
  usize count = 0;
  table.problem = each([&](const Abbreviation&) { return ++count <= budget; });
  if (!table.problem.empty()) return {};
  budget -= count;
  auto room = arena.take<Abbreviation>(count);
  if (!room) return std::unexpected(room.error());
  usize next = 0;
  (void)each([&](const Abbreviation& abbreviation) {
    (*room)[next++] = abbreviation;
    return true;
  });
  if (!std::ranges::is_sorted(*room, {}, &Abbreviation::code)) std::ranges::sort(*room, {}, &Abbreviation::code);
  table.abbreviations = *room;
  return {};
}

const Dwarf::Abbreviation* Dwarf::abbreviation(const Unit& unit, u64 code) const {
  const auto& all = tables_[unit.abbreviations].abbreviations;
  // Compilers count codes from 1 on.
  if (code <= all.size() && all[code - 1].code == code) return &all[code - 1];
  const auto found = std::ranges::lower_bound(all, code, {}, &Abbreviation::code);
  return found == all.end() || found->code != code ? nullptr : &*found;
}

void Dwarf::read_root(Unit& unit) const {
  if (!unit.problem.empty()) return;
  const auto entry = root(unit);
  if (!entry) {
    unit.problem = entry.error().words;
    return;
  }
  const auto offset = [&](u16 name) -> std::optional<u64> {
    const auto attribute = entry->find(name);
    return attribute ? std::optional(attribute->value) : std::nullopt;
  };
  unit.str_offsets_base = offset(at::str_offsets_base);
  unit.addr_base = offset(at::addr_base);
  unit.rnglists_base = offset(at::rnglists_base);
  unit.loclists_base = offset(at::loclists_base);
  // Lists of ranges and locations count from here; a unit without it counts from 0.
  if (const auto low = entry->find(at::low_pc)) {
    if (const auto value = address(unit, *low)) unit.low_pc = *value;
  }
}

bool Dwarf::read_value(Reader& in, const Unit& unit, Attribute& attribute, i64 constant) {
  if (attribute.form == form::indirect) {
    const u64 real = in.uleb();
    // A form that names a form that names a form has no meaning, and a constant has no place to be in.
    if (real > 0xffff || real == form::indirect || real == form::implicit_const) return false;
    attribute.form = static_cast<u16>(real);
  }
  switch (attribute.form) {
    case form::data1:
    case form::ref1:
    case form::flag:
    case form::strx1:
    case form::addrx1: attribute.value = in.byte(); break;
    case form::data2:
    case form::ref2:
    case form::strx2:
    case form::addrx2: attribute.value = in.half(); break;
    case form::strx3:
    case form::addrx3: attribute.value = in.number(3); break;
    case form::data4:
    case form::ref4:
    case form::strx4:
    case form::addrx4:
    case form::ref_sup4: attribute.value = in.word(); break;
    case form::addr:
    case form::data8:
    case form::ref8:
    case form::ref_sig8:
    case form::ref_sup8: attribute.value = in.giant(); break;
    case form::strp:
    case form::line_strp:
    case form::sec_offset:
    case form::strp_sup:
    case form::gnu_ref_alt:
    case form::gnu_strp_alt: attribute.value = in.number(unit.offset_size); break;
    // In DWARF 2 a reference to another unit is as large as an address.
    case form::ref_addr: attribute.value = in.number(unit.version == 2 ? 8 : unit.offset_size); break;
    case form::udata:
    case form::ref_udata:
    case form::strx:
    case form::addrx:
    case form::loclistx:
    case form::rnglistx:
    case form::gnu_addr_index:
    case form::gnu_str_index: attribute.value = in.uleb(); break;
    case form::sdata: attribute.value = static_cast<u64>(in.sleb()); break;
    case form::implicit_const: attribute.value = static_cast<u64>(constant); break;
    case form::flag_present: attribute.value = 1; break;
    case form::string: {
      const std::string_view text = in.string();
      attribute.bytes = std::as_bytes(std::span(text.data(), text.size()));
      break;
    }
    case form::block1: attribute.bytes = in.block(in.byte()); break;
    case form::block2: attribute.bytes = in.block(in.half()); break;
    case form::block4: attribute.bytes = in.block(in.word()); break;
    case form::block:
    case form::exprloc: attribute.bytes = in.block(in.uleb()); break;
    case form::data16: attribute.bytes = in.block(16); break;
    default: return false;
  }
  return in.ok();
}

Result<Entry> Dwarf::entry_at(const Unit& unit, u64 offset) const {
  const std::string_view section = name_of(unit.home);
  if (!unit.problem.empty()) return fail(unit.problem, section, unit.begin);
  if (offset < unit.first || offset >= unit.end) return fail("a reference leads out of its unit", section, offset);
  Entry entry;
  entry.unit_ = &unit;
  entry.offset_ = offset;
  Reader in(entries(unit.home).first(unit.end), section, offset);
  const u64 code = in.uleb();
  if (!in.ok()) return fail("an entry is cut off", section, offset);
  entry.end_ = in.offset();
  if (code == 0) return entry;  // tag 0: the end of a list of siblings
  const Abbreviation* const abbreviation = this->abbreviation(unit, code);
  if (!abbreviation) return fail("an entry's abbreviation is not in its table", section, offset);
  entry.tag_ = abbreviation->tag;
  entry.has_children_ = abbreviation->has_children;
  entry.specification_ = Reader(abbrev_, abbrev_name, abbreviation->attributes);
  entry.values_ = in;
  for (Reader specification = entry.specification_;;) {
    const u64 name = specification.uleb();
    Attribute attribute;
    attribute.form = static_cast<u16>(specification.uleb());
    const i64 constant = attribute.form == form::implicit_const ? specification.sleb() : 0;
    if (name == 0 && attribute.form == 0) break;
    if (!read_value(in, unit, attribute, constant)) {
      return fail(in.ok() ? "an attribute is of a form that is not known" : "an entry is cut off", section, offset);
    }
  }
  entry.end_ = in.offset();
  return entry;
}

std::optional<Attribute> Entry::find(u16 name) const {
  Reader in = values_;
  for (Reader specification = specification_; specification.left() != 0;) {
    Attribute attribute;
    attribute.name = static_cast<u16>(specification.uleb());
    attribute.form = static_cast<u16>(specification.uleb());
    const i64 constant = attribute.form == form::implicit_const ? specification.sleb() : 0;
    if (attribute.name == 0 && attribute.form == 0) break;
    if (!Dwarf::read_value(in, *unit_, attribute, constant)) break;
    if (attribute.name == name) return attribute;
  }
  return std::nullopt;
}

bool Entry::flag(u16 name) const {
  const auto attribute = find(name);
  return attribute && attribute->value != 0;
}

Result<Entry> Dwarf::entry_in(Home home, u64 offset) const {
  // Units are in the order of their sections, .debug_info's first.
  const auto after = std::ranges::upper_bound(units_, std::pair(home, offset), {},
                                              [](const Unit& unit) { return std::pair(unit.home, unit.begin); });
  if (after == units_.begin()) return fail("a reference leads to no unit", name_of(home), offset);
  const Unit& unit = *std::prev(after);
  if (unit.home != home || offset >= unit.end) return fail("a reference leads to no unit", name_of(home), offset);
  return entry_at(unit, offset);
}

Result<Entry> Dwarf::entry(u64 key) const { return entry_in(key & 1 ? Home::types : Home::info, key >> 1); }

Walk Walk::below(const Dwarf& dwarf, const Entry& entry) {
  Walk walk(dwarf, entry.unit());
  walk.next_ = entry.end();
  walk.ended_ = !entry.has_children();
  return walk;
}

Result<bool> Walk::next() {
  while (!ended_) {
    // A unit's last list of siblings need not be closed.
    if (next_ >= unit_->end) break;
    const auto entry = dwarf_->entry_at(*unit_, next_);
    if (!entry) return std::unexpected(entry.error());
    next_ = entry->end();
    if (entry->tag() == 0) {
      if (depth_ == 0) break;
      --depth_;
      continue;
    }
    entry_ = *entry;
    depth_of_entry_ = depth_;
    if (entry->has_children()) ++depth_;
    return true;
  }
  ended_ = true;
  return false;
}

Result<void> Walk::skip_children() {
  if (!entry_.has_children() || depth_ <= depth_of_entry_) return {};
  // A sibling lies further on; anything else would lead us round in circles.
  if (const auto sibling = entry_.find(at::sibling)) {
    const auto target = dwarf_->reference(*unit_, *sibling);
    if (target && &target->unit() == unit_ && target->offset() > entry_.offset()) {
      next_ = target->offset();
      depth_ = depth_of_entry_;
      return {};
    }
  }
  const unsigned depth = depth_of_entry_;
  while (depth_ > depth && next_ < unit_->end) {
    const auto inner = dwarf_->entry_at(*unit_, next_);
    if (!inner) return std::unexpected(inner.error());
    next_ = inner->end();
    if (inner->tag() == 0)
      --depth_;
    else if (inner->has_children())
      ++depth_;
  }
  return {};
}

}  // namespace vellum::debug
