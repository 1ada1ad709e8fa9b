#include "vellum/debug_exercise.hpp"

#include <algorithm>

#include "vellum/debug/chain.hpp"

namespace vellum::debug::test {
namespace {

void ask(const Dwarf& dwarf, const Entry& entry) {
  for (u16 name = 1; name < 0x90; ++name) {
    const auto attribute = entry.find(name);
    if (!attribute) continue;
    (void)dwarf.string(entry.unit(), *attribute);
    (void)dwarf.number(entry.unit(), *attribute);
    (void)dwarf.address(entry.unit(), *attribute);
    (void)dwarf.reference(entry.unit(), *attribute);
    if (const auto expression = Dwarf::block(*attribute)) (void)evaluate(dwarf, entry.unit(), *expression, 0);
  }
  (void)dwarf.name(entry);
  (void)fixed_address(dwarf, entry);
  (void)location_at(dwarf, entry, 0x8000'0040);
  const Type type = Type::described_by(dwarf, entry);
  (void)type.size();
  (void)type.is_signed();
  (void)type.stripped();
  (void)type.dimensions();
  (void)type.bound(0);
  if (const auto of = Type::of(dwarf, entry)) (void)of->size();
  Members members(type);
  for (auto more = members.next(); more && *more; more = members.next()) {
  }
}

/// Lists of ranges may overlap in a damaged file: the first few thousand of each will do.
void ask_ranges(const Dwarf& dwarf, const Entry& entry) {
  auto ranges = RangeList::of_code(dwarf, entry);
  if (!ranges) return;
  int left = 1000;
  for (auto more = ranges->next(); more && *more && --left > 0; more = ranges->next()) {
  }
}

}  // namespace

usize exercise(Bytes file, Arena& arena) {
  const auto opened = DebugInfo::open(file, arena);
  if (!opened) return 0;
  const DebugInfo& info = **opened;
  std::array<Place, 6> places;
  for (const Symbol& symbol : info.symbols().all().first(std::min<usize>(info.symbols().all().size(), 40))) {
    (void)info.places_at(symbol.address + symbol.size / 2, places);
    (void)has_frame(info.elf(), symbol.address, symbol.address + symbol.size / 2);
    (void)info.variable(symbol.name);
  }
  if (!info.dwarf()) return 0;
  const Dwarf& dwarf = *info.dwarf();
  usize entries = 0;
  usize scopes = 0;
  for (const Unit& unit : dwarf.units()) {
    (void)visit(dwarf, unit, [&](const Entry& entry, const Scope&) {
      ++entries;
      ask(dwarf, entry);
      ask_ranges(dwarf, entry);
      if (entry.tag() == tag::subprogram && ++scopes < 20) (void)scope_of(dwarf, entry);
      return Next::into;
    });
    auto table = LineTable::of(dwarf, unit);
    if (!table) continue;
    for (auto more = table->next(); more && *more; more = table->next()) {
    }
    for (u64 number = 0; number < 8; ++number) {
      std::array<char, 32> buffer{};
      if (const auto name = table->file(number)) (void)spell(*name, buffer);
    }
  }
  return entries;
}

}  // namespace vellum::debug::test
