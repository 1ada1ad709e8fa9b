// SPDX-License-Identifier: MIT
#pragma once
// Going through a whole tree of tables.

#include "sv39/page_table.hpp"

namespace sv39 {

/// One entry met on the way.
struct TreeEntry {
  Ppn table;  ///< the node it is in
  unsigned index;
  Level level;
  VirtAddr begin;  ///< first address that it translates
  Pte pte;
};

/// Visits the tree under `table`, depth first, in order of address; of that node itself the first `entries` entries.
///   visitor.enter(table, level, begin)   at each node; false: not into this one
///   visitor.entry(entry)                 at each entry, before the node that it may lead to; false: not there
/// `memory.table(ppn)` gives the node.
template <class Memory, class Visitor>
void visit_tables(const Memory& memory, Ppn table, Visitor& visitor, unsigned entries = entries_per_table,
                  Level level = root_level, VirtAddr begin = VirtAddr(0)) {
  if (!visitor.enter(table, level, begin)) return;
  const auto& node = memory.table(table);
  const u64 bytes = bytes_of(level);
  for (unsigned i = 0; i < entries; ++i) {
    const VirtAddr va = level == root_level ? address_of_indices(i, 0, 0) : begin + i * bytes;
    const TreeEntry entry{table, i, level, va, node.load(i)};
    if (!visitor.entry(entry) || !entry.pte.is_table() || level == Level::base) continue;
    visit_tables(memory, entry.pte.ppn(), visitor, entries_per_table, below(level), va);
  }
}

}  // namespace sv39
