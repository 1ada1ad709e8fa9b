// SPDX-License-Identifier: MIT
#include "vellum/debug/ranges.hpp"

namespace vellum::debug {
namespace {

/// DWARF 5, section 7.25: DW_RLE_... Location lists have one kind more, in the middle.
enum class Kind : u8 {
  end,
  base_index,
  start_index_end_index,
  start_index_length,
  offset_pair,
  base,
  start_end,
  start_length,
  everywhere,  // DW_LLE_default_location
  view_pair,   // GCC's DW_LLE_view_pair: two numbers that are nothing to us
  unknown,
};

Kind kind_of_range(u8 code) { return code <= 7 ? static_cast<Kind>(code) : Kind::unknown; }

Kind kind_of_location(u8 code) {
  if (code <= 4) return static_cast<Kind>(code);
  if (code == 5) return Kind::everywhere;
  if (code <= 8) return static_cast<Kind>(code - 1);
  return code == 9 ? Kind::view_pair : Kind::unknown;
}

}  // namespace

Result<u64> RangeList::list_offset(const Dwarf& dwarf, const Unit& unit, const Attribute& attribute, Content content) {
  if (attribute.form != form::rnglistx && attribute.form != form::loclistx) return dwarf.number(unit, attribute);
  const bool ranges = content == Content::ranges;
  const std::string_view section = ranges ? ".debug_rnglists" : ".debug_loclists";
  const auto base = ranges ? unit.rnglists_base : unit.loclists_base;
  if (!base) return fail("a list by number, in a unit that does not say where its lists begin", section, unit.begin);
  const Bytes lists = ranges ? dwarf.rnglists() : dwarf.loclists();
  // The table of offsets begins at the base, and the offsets count from there.
  if (*base > lists.size() || attribute.value > lists.size()) return fail("a list lies outside its section", section);
  Reader in(lists, section, *base + attribute.value * unit.offset_size);
  const u64 offset = in.number(unit.offset_size);
  if (!in.ok() || offset > lists.size()) return fail("a list lies outside its section", section, offset);
  return *base + offset;
}

Result<RangeList> RangeList::of_code(const Dwarf& dwarf, const Entry& entry) {
  RangeList list;
  list.dwarf_ = &dwarf;
  list.unit_ = &entry.unit();
  if (const auto ranges = entry.find(at::ranges)) {
    const auto offset = list_offset(dwarf, entry.unit(), *ranges, Content::ranges);
    if (!offset) return std::unexpected(offset.error());
    const bool is_new = entry.unit().version >= 5;
    list.in_ =
        Reader(is_new ? dwarf.rnglists() : dwarf.ranges(), is_new ? ".debug_rnglists" : ".debug_ranges", *offset);
    if (!list.in_.ok()) return list.in_.error("a list of ranges lies outside its section");
    list.base_ = entry.unit().low_pc.value_or(0);
    list.ended_ = false;
    return list;
  }
  const auto low = entry.find(at::low_pc);
  const auto high = entry.find(at::high_pc);
  if (!low || !high) return list;
  const auto begin = dwarf.address(entry.unit(), *low);
  if (!begin) return std::unexpected(begin.error());
  // An address, or since DWARF 4 a length.
  auto end = dwarf.address(entry.unit(), *high);
  if (!end) {
    end = dwarf.number(entry.unit(), *high);
    if (!end) return std::unexpected(end.error());
    *end += *begin;
  }
  list.range_ = {*begin, *end};
  list.single_ = *begin < *end;
  return list;
}

Result<RangeList> RangeList::of_locations(const Dwarf& dwarf, const Unit& unit, const Attribute& attribute) {
  RangeList list;
  list.dwarf_ = &dwarf;
  list.unit_ = &unit;
  list.content_ = Content::locations;
  const auto offset = list_offset(dwarf, unit, attribute, Content::locations);
  if (!offset) return std::unexpected(offset.error());
  list.in_ = unit.version >= 5 ? Reader(dwarf.loclists(), ".debug_loclists", *offset)
                               : Reader(dwarf.loc(), ".debug_loc", *offset);
  if (!list.in_.ok()) return list.in_.error("a location list lies outside its section");
  list.base_ = unit.low_pc.value_or(0);
  list.ended_ = false;
  return list;
}

Result<bool> RangeList::next() {
  if (single_) {
    single_ = false;
    return true;
  }
  while (!ended_) {
    const auto found = unit_->version >= 5 ? next_entry() : next_pair();
    if (!found) return found;
    if (!*found) break;
    if (range_.begin < range_.end) return true;
  }
  ended_ = true;
  return false;
}

Result<bool> RangeList::next_pair() {
  for (;;) {
    const u64 begin = in_.giant();
    const u64 end = in_.giant();
    if (!in_.ok()) return in_.error("a list of ranges is not closed");
    if (begin == 0 && end == 0) return false;
    if (begin == ~u64{0}) {
      base_ = end;
      continue;
    }
    range_ = {base_ + begin, base_ + end};
    if (content_ == Content::locations) expression_ = in_.block(in_.half());
    if (!in_.ok()) return in_.error("a location list is cut off");
    return true;
  }
}

Result<bool> RangeList::next_entry() {
  const auto indexed = [&]() { return dwarf_->indexed_address(*unit_, in_.uleb()); };
  for (;;) {
    const u8 code = in_.byte();
    Result<u64> begin = 0;
    u64 end = 0;
    bool ends = false;
    switch (content_ == Content::ranges ? kind_of_range(code) : kind_of_location(code)) {
      case Kind::end: ends = true; break;
      case Kind::base_index: {
        const auto base = indexed();
        if (!base) return std::unexpected(base.error());
        base_ = *base;
        continue;
      }
      case Kind::base: base_ = in_.giant(); continue;
      case Kind::view_pair:
        (void)in_.uleb();
        (void)in_.uleb();
        continue;
      case Kind::start_index_end_index: {
        begin = indexed();
        const auto last = indexed();
        if (!last) return std::unexpected(last.error());
        end = *last;
        break;
      }
      case Kind::start_index_length:
        begin = indexed();
        end = begin.value_or(0) + in_.uleb();
        break;
      case Kind::offset_pair:
        begin = base_ + in_.uleb();
        end = base_ + in_.uleb();
        break;
      case Kind::start_end:
        begin = in_.giant();
        end = in_.giant();
        break;
      case Kind::start_length:
        begin = in_.giant();
        end = *begin + in_.uleb();
        break;
      case Kind::everywhere: end = ~u64{0}; break;
      case Kind::unknown: return in_.error("a list of ranges has an entry of a kind that is not known");
    }
    if (!begin) return std::unexpected(begin.error());
    if (!ends && content_ == Content::locations) expression_ = in_.block(in_.uleb());
    if (!in_.ok()) return in_.error("a list of ranges is cut off");
    range_ = {*begin, end};
    return !ends;
  }
}

}  // namespace vellum::debug
