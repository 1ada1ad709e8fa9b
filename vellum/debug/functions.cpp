// SPDX-License-Identifier: MIT
#include "vellum/debug/functions.hpp"

#include <algorithm>

namespace vellum::debug {
namespace {

/// How many ranges a file of this size can have, if none is used twice.
u64 most_ranges(const Dwarf& dwarf) {
  return dwarf.entries(Home::info).size() + dwarf.ranges().size() + dwarf.rnglists().size();
}

/// Calls `use(entry, range)` for each range of code of each function of a unit. Ends early, without a word, at damage:
/// what was found until then is good.
template <typename Use>
void each_extent(const Dwarf& dwarf, const Unit& unit, u64& budget, Use&& use) {
  Walk walk(dwarf, unit);
  for (auto more = walk.next(); more && *more; more = walk.next()) {
    const Entry& entry = walk.entry();
    if (entry.tag() != tag::subprogram) continue;
    auto ranges = RangeList::of_code(dwarf, entry);
    if (!ranges) continue;
    for (auto found = ranges->next(); found && *found; found = ranges->next()) {
      if (budget == 0) return;
      --budget;
      use(entry, ranges->range());
    }
  }
}

/// The range of the entry that holds the address.
std::optional<Range> range_with(const Dwarf& dwarf, const Entry& entry, u64 address, u64& budget) {
  auto ranges = RangeList::of_code(dwarf, entry);
  if (!ranges) return std::nullopt;
  for (auto found = ranges->next(); found && *found && budget != 0; found = ranges->next(), --budget) {
    if (ranges->range().contains(address)) return ranges->range();
  }
  return std::nullopt;
}

std::optional<u64> number_of(const Dwarf& dwarf, const Entry& entry, u16 name) {
  const auto attribute = entry.find(name);
  const auto value = attribute ? dwarf.number(entry.unit(), *attribute) : Result<u64>(fail("none"));
  return value ? std::optional(*value) : std::nullopt;
}

}  // namespace

Result<Functions> Functions::index(const Dwarf& dwarf, Arena& arena) {
  Functions functions;
  functions.dwarf_ = &dwarf;
  usize count = 0;
  u64 budget = most_ranges(dwarf);
  for (const Unit& unit : dwarf.units()) each_extent(dwarf, unit, budget, [&](const Entry&, const Range&) { ++count; });
  auto room = arena.take<Extent>(count);
  if (!room) return std::unexpected(room.error());
  usize next = 0;
  budget = most_ranges(dwarf);
  for (const Unit& unit : dwarf.units()) {
    each_extent(dwarf, unit, budget,
                [&](const Entry& entry, const Range& range) { (*room)[next++] = {range, entry.key()}; });
  }
  std::ranges::sort(*room, {}, [](const Extent& extent) { return extent.range.begin; });
  functions.extents_ = *room;
  return functions;
}

Result<usize> Functions::at(u64 address, std::span<Instance> out) const {
  // What the linker dropped lies at 0 and over whatever is really there: the nearest beginning below is the function.
  constexpr int most_steps = 64;
  auto extent = std::ranges::upper_bound(extents_, address, {}, [](const Extent& e) { return e.range.begin; });
  const Extent* found = nullptr;
  for (int step = 0; step < most_steps && extent != extents_.begin() && !found; ++step) {
    --extent;
    if (extent->range.contains(address)) found = &*extent;
  }
  if (!found || out.empty()) return 0;
  const auto function = dwarf_->entry(found->key);
  if (!function) return std::unexpected(function.error());

  // From the outside in; when there is no more room, the outermost ones make way. In the end the order is turned.
  usize count = 0;
  const auto add = [&](const Instance& instance) {
    if (count == out.size()) {
      std::ranges::copy(out.subspan(1), out.begin());
      --count;
    }
    out[count++] = instance;
  };
  add({*function, found->range.begin, std::nullopt, std::nullopt});
  u64 budget = most_ranges(*dwarf_);
  Walk walk = Walk::below(*dwarf_, *function);
  for (;;) {
    const auto more = walk.next();
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const Entry entry = walk.entry();
    const bool is_call = entry.tag() == tag::inlined_subroutine;
    const bool may_hold =
        is_call || (entry.tag() == tag::lexical_block && (entry.has(at::ranges) || entry.has(at::low_pc)));
    if (!may_hold) {
      // A block without code of its own may still hold calls that have some.
      if (entry.tag() == tag::lexical_block) continue;
      if (const auto skipped = walk.skip_children(); !skipped) return std::unexpected(skipped.error());
      continue;
    }
    const auto range = range_with(*dwarf_, entry, address, budget);
    if (!range) {
      if (const auto skipped = walk.skip_children(); !skipped) return std::unexpected(skipped.error());
    } else if (is_call) {
      add({entry, range->begin, number_of(*dwarf_, entry, at::call_file), number_of(*dwarf_, entry, at::call_line)});
    }
  }
  std::ranges::reverse(out.first(count));
  return count;
}

}  // namespace vellum::debug
