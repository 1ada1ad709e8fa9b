// SPDX-License-Identifier: MIT
#include "vellum/words/allocator.hpp"

#include <algorithm>

#include "vellum/words/object.hpp"

namespace vellum {

namespace {

FrameUse use_named(std::string_view name) {
  if (name == "inside") return FrameUse::inside;
  if (name == "free") return FrameUse::free_block;
  if (name == "cached") return FrameUse::free_single;
  if (name == "cached_zero") return FrameUse::free_clear;
  if (name == "user" || name == "compound" || name == "table") return FrameUse::in_use;
  if (name == "file") return FrameUse::of_file;
  if (name == "kernel") return FrameUse::of_kernel;
  return FrameUse::apart;
}

}  // namespace

KnownFrameTable::KnownFrameTable(const Names& names) {
  const debug::DebugInfo* info = names.info();
  if (info == nullptr || info->dwarf() == nullptr || !read(*info)) table_ = {};
  table_.code = code_;
}

bool KnownFrameTable::read(const debug::DebugInfo& info) {
  const debug::Dwarf& dwarf = *info.dwarf();
  const auto allocator = info.variable("mm::the_frames");
  if (!allocator) return false;
  const auto records = part_of(dwarf, allocator->type, "table_"), base = part_of(dwarf, allocator->type, "base_"),
             count = part_of(dwarf, allocator->type, "count_");
  if (!records || !base || !count) return false;
  const auto record = records->type.target();
  if (!record) return false;
  const auto state = part_of(dwarf, *record, "state"), order = part_of(dwarf, *record, "order");
  const auto stride = record->size();
  const auto states = state ? enumeration_in(dwarf, state->type) : std::nullopt;
  if (!states || !order || !stride || *stride == 0) return false;
  table_ = {.allocator = allocator->address,
            .records = records->offset,
            .base = base->offset,
            .count = count->offset,
            .stride = *stride,
            .state = state->offset,
            .order = order->offset};
  const auto first = part_of(dwarf, *record, "first_"), second = part_of(dwarf, *record, "second_");
  if (first && second) table_.links = {first->offset, second->offset};
  table_.uses.fill(FrameUse::apart);
  debug::Enumerators all(*states);
  while (all.next().value_or(false)) {
    const auto value = all.enumerator().value;
    if (value && static_cast<usize>(*value) < table_.uses.size()) {
      table_.uses[static_cast<usize>(*value)] = use_named(all.enumerator().name);
    }
  }
  for (const debug::Symbol& symbol : info.symbols().all()) {
    const bool is_member =
        symbol.name.starts_with("_ZN2mm14FrameAllocator") || symbol.name.starts_with("_ZNK2mm14FrameAllocator");
    if (is_member) code_.push_back({symbol.address, symbol.address + symbol.size});
  }
  return true;
}

}  // namespace vellum
