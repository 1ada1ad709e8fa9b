// SPDX-License-Identifier: MIT
#include "vellum/debug/debug_info.hpp"

#include <algorithm>

namespace vellum::debug {

Result<const DebugInfo*> DebugInfo::open(Bytes file, Arena& arena) {
  auto room = arena.take<DebugInfo>(1);
  if (!room) return std::unexpected(room.error());
  DebugInfo& info = room->front();
  const auto elf = Elf::open(file);
  if (!elf) return std::unexpected(elf.error());
  info.elf_ = *elf;
  auto symbols = Symbols::read(*elf, arena);
  if (!symbols) return std::unexpected(symbols.error());
  info.symbols_ = *symbols;
  const auto dwarf = Dwarf::open(*elf, arena);
  if (!dwarf) {
    info.why_not_ = dwarf.error();
    return &info;
  }
  info.dwarf_ = *dwarf;
  const auto functions = Functions::index(info.dwarf_, arena);
  if (!functions) return std::unexpected(functions.error());
  info.functions_ = *functions;
  if (const auto indexed = info.index_units(arena); !indexed) return std::unexpected(indexed.error());
  return &info;
}

std::optional<Error> DebugInfo::damage() const {
  if (why_not_) return why_not_;
  const auto broken = std::ranges::find_if(dwarf_.units(), [](const Unit& unit) { return !unit.problem.empty(); });
  if (broken == dwarf_.units().end()) return std::nullopt;
  return Error{broken->problem, broken->home == Home::info ? ".debug_info" : ".debug_types", broken->begin};
}

Result<void> DebugInfo::index_units(Arena& arena) {
  const auto each = [&](auto&& use) {
    // No list of ranges is used twice.
    u64 budget = dwarf_.ranges().size() + dwarf_.rnglists().size() + dwarf_.units().size();
    for (const Unit& unit : dwarf_.units()) {
      const auto root = dwarf_.root(unit);
      auto ranges = root ? RangeList::of_code(dwarf_, *root) : Result<RangeList>(std::unexpected(root.error()));
      if (!ranges) continue;
      for (auto more = ranges->next(); more && *more && budget != 0; more = ranges->next(), --budget) {
        use(UnitExtent{ranges->range(), &unit});
      }
    }
  };
  usize count = 0;
  each([&](const UnitExtent&) { ++count; });
  auto room = arena.take<UnitExtent>(count);
  if (!room) return std::unexpected(room.error());
  usize next = 0;
  each([&](const UnitExtent& extent) { (*room)[next++] = extent; });
  units_ = *room;
  return {};
}

const Unit* DebugInfo::unit_at(u64 address) const {
  // What the linker dropped lies at 0 and over other code: the unit whose range begins last is the one.
  const UnitExtent* best = nullptr;
  for (const UnitExtent& extent : units_) {
    if (extent.range.contains(address) && (!best || extent.range.begin > best->range.begin)) best = &extent;
  }
  return best ? best->unit : nullptr;
}

usize DebugInfo::places_at(u64 address, std::span<Place> out) const {
  constexpr usize most_calls = 32;
  if (out.empty()) return 0;
  std::array<Instance, most_calls> calls;
  const usize count =
      why_not_ ? 0 : functions_.at(address, std::span(calls).first(std::min(out.size(), most_calls))).value_or(0);
  for (usize i = 0; i < count; ++i) {
    out[i] = Place{};
    out[i].function = dwarf_.name(calls[i].entry).value_or(std::string_view());
    out[i].entry = calls[i].entry;
    out[i].offset = address - calls[i].begin;
  }
  if (count != 0) {
    add_lines(calls[count - 1].entry.unit(), address, std::span(calls).first(count), out.first(count));
    return count;
  }
  // Assembler code has lines, but no functions.
  const Symbol* const symbol = symbols_.at(address);
  const Unit* const unit = unit_at(address);
  if (!symbol && !unit) return 0;
  out[0] = Place{};
  if (symbol) {
    out[0].function = symbol->name;
    out[0].offset = address - symbol->address;
  }
  if (unit) add_lines(*unit, address, {}, out.first(1));
  return 1;
}

void DebugInfo::add_lines(const Unit& unit, u64 address, std::span<const Instance> calls,
                          std::span<Place> places) const {
  auto table = LineTable::of(dwarf_, unit);
  if (!table) return;
  const auto name = [&](u64 number) {
    const auto file = table->file(number);
    return file ? std::optional(*file) : std::nullopt;
  };
  if (const auto row = table->row_at(address); row && *row) {
    places[0].file = name((*row)->file);
    places[0].line = (*row)->line;
  }
  // Where the innermost call stands is told by the call, for the function around it.
  for (usize i = 1; i < places.size(); ++i) {
    const Instance& inner = calls[i - 1];
    if (inner.call_file) places[i].file = name(*inner.call_file);
    if (inner.call_line && *inner.call_line != 0) places[i].line = static_cast<u32>(*inner.call_line);
  }
}

Result<Variable> DebugInfo::variable(std::string_view name) const {
  if (why_not_) return std::unexpected(*why_not_);
  const usize last = name.rfind("::");
  const std::string_view last_part = last == std::string_view::npos ? name : name.substr(last + 2);
  std::optional<Variable> found;
  bool is_exact = false;
  bool is_unique = true;
  std::optional<Error> trouble;
  for (const Unit& unit : dwarf_.units()) {
    // A unit that cannot be read has no variables: damage() tells.
    (void)visit(dwarf_, unit, [&](const Entry& entry, const Scope& scope) {
      if (entry.tag() != tag::variable || dwarf_.name(entry).value_or(std::string_view()) != last_part) {
        return Next::into;
      }
      const auto address = fixed_address(dwarf_, entry);
      if (!address) trouble = address.error();
      if (!address || !*address) return Next::into;
      const auto fit = match(entry, scope, name);
      if (fit == Match::none) return Next::into;
      is_exact = fit == Match::full;
      is_unique = is_exact || !found || (is_unique && found->address == **address);
      found = Variable{**address, entry, {}};
      return is_exact ? Next::stop : Next::into;
    });
    if (is_exact) break;
  }
  if (!found) return std::unexpected(trouble.value_or(Error{"no variable of that name has an address", {}, 0}));
  if (!is_unique) return fail("several variables are called so: give the full name");
  const auto type = Type::of(dwarf_, found->entry);
  if (!type) return std::unexpected(type.error());
  found->type = *type;
  return *found;
}

DebugInfo::Match DebugInfo::match(const Entry& variable, const Scope& scope, std::string_view name) const {
  const auto origin = dwarf_.origin(variable);
  const auto around = origin && *origin ? scope_of(dwarf_, variable) : Result<Scope>(scope);
  const auto own = dwarf_.name(variable);
  if (!around || !own) return Match::none;
  std::array<char, 512> buffer{};
  const std::string_view full = spell(*around, *own, buffer);
  if (full == name) return Match::full;
  return full.ends_with(name) && full.substr(0, full.size() - name.size()).ends_with("::") ? Match::end : Match::none;
}

}  // namespace vellum::debug
