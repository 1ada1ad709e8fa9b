// SPDX-License-Identifier: MIT
#include "tools/foliowalk/walk.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace foliowalk {
namespace {

using sv39::Level;
using sv39::Pte;
using sv39::WalkEnd;

/// sv39's view of the guest: eight bytes, or nothing.
struct Reader {
  const Ram* ram;
  [[nodiscard]] std::optional<u64> read(sv39::PhysAddr pa) const { return ram->read_u64(pa.value()); }
};
static_assert(sv39::PhysicalReader<Reader>);

unsigned index_at(u64 va, unsigned level) {
  return static_cast<unsigned>(va >> (sv39::page_shift + sv39::index_bits * level)) % sv39::entries_per_table;
}

/// A level above Sv39's root. Returns whether the walk goes on below, with `table` moved to the next one.
bool upper_step(const Ram& ram, Explanation& walk, unsigned level, u64& table) {
  const unsigned index = index_at(walk.va, level);
  Step& step = walk.steps.emplace_back(Step{level, table, index, table + u64{index} * 8, false, 0});
  const auto raw = ram.read_u64(step.entry_address);
  if (!raw) {
    walk.end = WalkEnd::table_outside_memory;
    return false;
  }
  step.was_read = true;
  step.entry = *raw;
  const Pte pte = Pte::from_raw(*raw);
  if (!pte.is_valid()) {
    walk.end = WalkEnd::invalid_entry;
    return false;
  }
  const u64 pages = bytes_at(level) / sv39::page_size;
  const bool misaligned = pte.is_leaf() && pte.ppn().value() % pages != 0;
  // For the remaining rules any level with a table below will do: they don't depend on which.
  if (misaligned || pte.is_reserved_encoding(Level::giga, ram.extensions())) {
    walk.end = WalkEnd::reserved_encoding;
    return false;
  }
  table = pte.ppn().address().value();
  if (!pte.is_leaf()) return true;
  walk.end = WalkEnd::leaf;
  walk.leaf_level = level;
  walk.physical = table + walk.va % bytes_at(level);
  return false;
}

Explanation walk_once(const Ram& ram, u64 root, Mode mode, u64 va) {
  Explanation walk;
  walk.va = va;
  walk.root = root;
  walk.mode = mode;
  if (mode == Mode::bare) {
    walk.end = WalkEnd::leaf;
    walk.physical = va;
    return walk;
  }
  if (!is_canonical(va, mode)) return walk;
  u64 table = root;
  for (unsigned level = levels_of(mode) - 1; level > 2; --level) {
    if (!upper_step(ram, walk, level, table)) return walk;
  }
  // Below an upper level every 39-bit address is allowed, so bit 38 is extended for the one walker.
  const u64 lower = static_cast<u64>(static_cast<i64>(va << 25) >> 25);
  const sv39::Walk rest = sv39::explain(Reader{&ram}, sv39::PhysAddr(table), sv39::VirtAddr(lower), ram.extensions());
  for (unsigned i = 0; i < rest.step_count; ++i) {
    const sv39::WalkStep& step = rest.steps[i];
    const bool was_read = rest.end != WalkEnd::table_outside_memory || i + 1 < rest.step_count;
    walk.steps.push_back({static_cast<unsigned>(step.level), step.table.value(), step.index, step.entry_address.value(),
                          was_read, step.entry.raw()});
  }
  walk.end = rest.end;
  walk.physical = rest.physical.value();
  walk.leaf_level = static_cast<unsigned>(rest.leaf_level);
  walk.contiguous = rest.found() && rest.last_entry().is_contiguous(rest.leaf_level, ram.extensions());
  return walk;
}

bool same_entries(const Explanation& a, const Explanation& b) {
  constexpr u64 ignored = sv39::pte_bit::accessed | sv39::pte_bit::dirty;
  return std::ranges::equal(a.steps, b.steps, [](const Step& x, const Step& y) {
    return x.entry_address == y.entry_address && x.was_read == y.was_read && ((x.entry ^ y.entry) & ~ignored) == 0;
  });
}

}  // namespace

Explanation explain(const Ram& ram, u64 root, Mode mode, u64 va, unsigned tries) {
  Explanation walk = walk_once(ram, root, mode, va);
  for (unsigned attempt = 0; attempt < tries; ++attempt) {
    Explanation again = walk_once(ram, root, mode, va);
    const bool settled = same_entries(walk, again);
    walk = std::move(again);
    if (settled) return walk;
  }
  walk.torn = true;
  return walk;
}

sv39::Verdict Explanation::verdict(sv39::Access access, sv39::Privilege privilege, sv39::Sum sum) const {
  if (mode == Mode::bare) return sv39::Verdict::allowed;
  sv39::Walk walk;
  walk.end = end;
  if (!steps.empty()) {
    walk.steps[0].entry = Pte::from_raw(last_entry());
    walk.step_count = 1;
  }
  return walk.verdict(access, privilege, sum);
}

std::string describe_end(const Explanation& walk) {
  if (walk.mode == Mode::bare) return "translation is off: the address is physical";
  const unsigned level = walk.steps.empty() ? 0 : walk.steps.back().level;
  switch (walk.end) {
    case WalkEnd::leaf:
      if (walk.contiguous) return "level 0 holds a leaf: one of the sixteen of a 64 KiB page (Svnapot)";
      return fmt::format("level {} holds a leaf: a {} page", level, size_name(walk.leaf_level));
    case WalkEnd::not_canonical:
      return fmt::format("not canonical: bits 63 to {} must all equal bit {}", address_bits(walk.mode),
                         address_bits(walk.mode) - 1);
    case WalkEnd::table_outside_memory:
      return fmt::format("the level-{} table at {:#x} is not in RAM", level, walk.steps.back().table);
    case WalkEnd::invalid_entry: return fmt::format("stops at level {}: the entry is not valid (V = 0)", level);
    case WalkEnd::reserved_encoding:
      return fmt::format("stops at level {}: the entry {:#x} is a reserved encoding", level, walk.last_entry());
  }
  return "";
}

std::vector<BitMeaning> pte_bits(u64 raw, unsigned level) {
  const Pte pte = Pte::from_raw(raw);
  const bool leaf = pte.is_leaf();
  const auto bit = [&](const char* name, unsigned at, const char* set, const char* clear) {
    const u64 value = raw >> at & 1;
    return BitMeaning{name, at, at, value, value ? set : clear};
  };
  const u64 ppn = pte.ppn().value();
  std::vector<BitMeaning> bits;
  bits.push_back(bit("N", 63, "contiguous pages (Svnapot)", "no Svnapot"));
  bits.push_back(
      {"PBMT", 62, 61, raw >> 61 & 3, raw >> 61 & 3 ? "page-based memory type (Svpbmt)" : "memory as it is"});
  bits.push_back({"reserved", 60, 54, raw >> 54 & 0x7f, raw >> 54 & 0x7f ? "must be zero" : "zero, as it must be"});
  std::string where =
      leaf && level == 0 && raw & sv39::pte_bit::contiguous && ppn % 16 == 8
          ? fmt::format("with Svnapot the 64 KiB page begins at {:#x}", ppn / 16 * sv39::contiguous_size)
      : leaf ? fmt::format("the page begins at {:#x}", ppn << sv39::page_shift)
             : fmt::format("the level-{} table is at {:#x}", level == 0 ? 0 : level - 1, ppn << sv39::page_shift);
  if (leaf && ppn % (bytes_at(level) / sv39::page_size) != 0)
    where += fmt::format(", not aligned to {}", size_name(level));
  bits.push_back({"PPN", 53, 10, ppn, where});
  bits.push_back(bit("RSW1", 9, "set by the kernel for itself", "free for the kernel"));
  bits.push_back(bit("RSW0", 8, "set by the kernel for itself (Bifolium: copy-on-write)", "free for the kernel"));
  bits.push_back(bit("D", 7, "written since last cleared",
                     leaf ? "not written since last cleared" : "clear, as in every non-leaf"));
  bits.push_back(
      bit("A", 6, "used since last cleared", leaf ? "not used since last cleared" : "clear, as in every non-leaf"));
  bits.push_back(bit("G", 5, "in every address space", "in this address space only"));
  bits.push_back(bit("U", 4, "user mode may use it", leaf ? "supervisor only" : "clear, as in every non-leaf"));
  bits.push_back(
      bit("X", 3, "code may run from it", leaf ? "no code runs from it" : "R = W = X = 0: points to a table"));
  bits.push_back(bit("W", 2, "may be written", leaf ? "may not be written" : "R = W = X = 0: points to a table"));
  bits.push_back(bit("R", 1, "may be read", leaf ? "may not be read" : "R = W = X = 0: points to a table"));
  if (!pte.is_valid()) {
    for (BitMeaning& other : bits) other.meaning = "means nothing, V is 0";
  }
  bits.push_back(bit("V", 0, "valid", "not valid: every other bit means nothing"));
  return bits;
}

}  // namespace foliowalk
