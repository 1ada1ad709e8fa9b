// SPDX-License-Identifier: MIT
// Dwarf's part that turns attributes into what they mean: DWARF 5, section 7.5.5.
#include "vellum/debug/dwarf.hpp"

namespace vellum::debug {
namespace {

constexpr std::string_view info_name = ".debug_info";

/// The offset of entry `index` in a table of `size`-byte entries that begins at `base`; nothing when it overflows.
std::optional<u64> entry_offset(u64 base, u64 index, u64 size) {
  if (index > (~u64{0} - base) / size) return std::nullopt;
  return base + index * size;
}

std::unexpected<Error> outside(std::string_view section, u64 offset) {
  return fail("an attribute's value lies outside its section", section, offset);
}

}  // namespace

Result<u64> Dwarf::string_index(const Unit& unit, u64 index) const {
  if (!unit.str_offsets_base)
    return fail("a string by number, in a unit without DW_AT_str_offsets_base", info_name, unit.begin);
  const auto at = entry_offset(*unit.str_offsets_base, index, unit.offset_size);
  Reader in(str_offsets_, ".debug_str_offsets", at.value_or(~u64{0}));
  const u64 offset = in.number(unit.offset_size);
  if (!in.ok()) return outside(".debug_str_offsets", index);
  return offset;
}

Result<std::string_view> Dwarf::string(const Unit& unit, const Attribute& attribute) const {
  Bytes table = str_;
  u64 offset = attribute.value;
  switch (attribute.form) {
    case form::string:
      return std::string_view(reinterpret_cast<const char*>(attribute.bytes.data()), attribute.bytes.size());
    case form::strp: break;
    case form::line_strp: table = line_str_; break;
    case form::strx:
    case form::strx1:
    case form::strx2:
    case form::strx3:
    case form::strx4: {
      const auto found = string_index(unit, attribute.value);
      if (!found) return std::unexpected(found.error());
      offset = *found;
      break;
    }
    case form::strp_sup:
    case form::gnu_strp_alt:
    case form::gnu_str_index: return fail("a string is in another file, which is not read", info_name, unit.begin);
    default: return fail("an attribute that should be a string is none", info_name, unit.begin);
  }
  if (const auto text = string_at(table, offset)) return *text;
  return outside(attribute.form == form::line_strp ? ".debug_line_str" : ".debug_str", offset);
}

Result<u64> Dwarf::number(const Unit& unit, const Attribute& attribute) const {
  switch (attribute.form) {
    case form::data1:
    case form::data2:
    case form::data4:
    case form::data8:
    case form::sdata:
    case form::udata:
    case form::implicit_const:
    case form::sec_offset:
    case form::flag:
    case form::flag_present: return attribute.value;
    default: return fail("an attribute that should be a number is none", info_name, unit.begin);
  }
}

Result<u64> Dwarf::indexed_address(const Unit& unit, u64 index) const {
  if (!unit.addr_base) return fail("an address by number, in a unit without DW_AT_addr_base", info_name, unit.begin);
  const auto at = entry_offset(*unit.addr_base, index, 8);
  Reader in(addr_, ".debug_addr", at.value_or(~u64{0}));
  const u64 address = in.giant();
  if (!in.ok()) return outside(".debug_addr", index);
  return address;
}

Result<u64> Dwarf::address(const Unit& unit, const Attribute& attribute) const {
  switch (attribute.form) {
    case form::addr: return attribute.value;
    case form::addrx:
    case form::addrx1:
    case form::addrx2:
    case form::addrx3:
    case form::addrx4:
    case form::gnu_addr_index: return indexed_address(unit, attribute.value);
    default: return fail("an attribute that should be an address is none", info_name, unit.begin);
  }
}

Result<Entry> Dwarf::reference(const Unit& unit, const Attribute& attribute) const {
  switch (attribute.form) {
    case form::ref1:
    case form::ref2:
    case form::ref4:
    case form::ref8:
    case form::ref_udata:
      if (attribute.value >= unit.end - unit.begin) {
        return fail("a reference leads out of its unit", info_name, unit.begin);
      }
      return entry_at(unit, unit.begin + attribute.value);
    case form::ref_addr: return entry_in(Home::info, attribute.value);
    case form::ref_sig8:
      for (const Unit& other : units_) {
        if (!other.is_type_unit() || other.signature != attribute.value || !other.problem.empty()) continue;
        if (other.type_offset >= other.end - other.begin) break;
        return entry_at(other, other.begin + other.type_offset);
      }
      return fail("a reference names a type's signature that no unit has", info_name, unit.begin);
    case form::ref_sup4:
    case form::ref_sup8:
    case form::gnu_ref_alt: return fail("a reference leads to another file, which is not read", info_name, unit.begin);
    default: return fail("an attribute that should be a reference is none", info_name, unit.begin);
  }
}

std::optional<Bytes> Dwarf::block(const Attribute& attribute) {
  switch (attribute.form) {
    case form::block:
    case form::block1:
    case form::block2:
    case form::block4:
    case form::exprloc: return attribute.bytes;
    default: return std::nullopt;
  }
}

Result<std::optional<Entry>> Dwarf::origin(const Entry& entry) const {
  auto link = entry.find(at::abstract_origin);
  if (!link) link = entry.find(at::specification);
  if (!link) return std::nullopt;
  const auto target = reference(entry.unit(), *link);
  if (!target) return std::unexpected(target.error());
  return *target;
}

Result<std::optional<Attribute>> Dwarf::integrated(const Entry& entry, u16 name, const Unit*& where) const {
  // An instance of an instance of a definition of a declaration: more steps than these are a circle.
  constexpr int most_steps = 16;
  Entry current = entry;
  for (int step = 0; step < most_steps; ++step) {
    if (const auto attribute = current.find(name)) {
      where = &current.unit();
      return attribute;
    }
    const auto next = origin(current);
    if (!next) return std::unexpected(next.error());
    if (!*next) return std::nullopt;
    current = **next;
  }
  return fail("an entry is the instance of itself", info_name, entry.offset());
}

Result<std::string_view> Dwarf::name(const Entry& entry) const {
  const Unit* where = nullptr;
  const auto attribute = integrated(entry, at::name, where);
  if (!attribute) return std::unexpected(attribute.error());
  if (!*attribute) return std::string_view();
  return string(*where, **attribute);
}

}  // namespace vellum::debug
