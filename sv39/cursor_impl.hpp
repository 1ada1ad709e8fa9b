// SPDX-License-Identifier: MIT
#pragma once
// Bodies of sv39::Cursor; included by cursor.hpp only.

namespace sv39 {

template <PhysicalMemory Memory>
void Cursor<Memory>::enter(Level level, Ppn ppn, VirtAddr va) {
  node_[depth(level)] = &memory_.table(ppn);
  node_ppn_[depth(level)] = ppn;
  tag_[depth(level)] = va.value() >> shift_of(above(level));
  // A remembered lower node belongs to the path that was just left.
  if (level == Level::mega) tag_[0] = no_tag;
}

template <PhysicalMemory Memory>
void Cursor<Memory>::forget() {
  tag_[0] = tag_[1] = no_tag;
}

template <PhysicalMemory Memory>
Slot Cursor<Memory>::find(VirtAddr va, Level lowest) {
  const auto at = [&](Level level) {
    const unsigned index = va.index(level);
    return Slot{node_[depth(level)], node_ppn_[depth(level)], index, level, node_[depth(level)]->load(index)};
  };
  // Level by level, written out: this is the walk that every fault and every page of a range goes through.
  if (lowest == Level::base && tag_[0] == va.value() >> shift_of(Level::mega)) return at(Level::base);
  if (lowest == Level::giga || tag_[1] != va.value() >> shift_of(Level::giga)) {
    const Slot slot = at(Level::giga);
    if (lowest == Level::giga || !slot.pte.is_table()) return slot;
    enter(Level::mega, slot.pte.ppn(), va);
  }
  const Slot slot = at(Level::mega);
  if (lowest == Level::mega || !slot.pte.is_table()) return slot;
  enter(Level::base, slot.pte.ppn(), va);
  return at(Level::base);
}

template <PhysicalMemory Memory>
Slot Cursor<Memory>::walk(Memory memory, Ppn table, VirtAddr va) {
  for (Level level = root_level;; level = below(level)) {
    PageTable& node = memory.table(table);
    const Pte pte = node.load(va.index(level));
    if (level == Level::base || !pte.is_table()) return Slot{&node, table, va.index(level), level, pte};
    table = pte.ppn();
  }
}

template <PhysicalMemory Memory>
Mapping Cursor<Memory>::query(VirtAddr va) {
  Slot slot = find(va);
  return Mapping{va.align_down(slot.level), slot.level, slot.pte};
}

template <PhysicalMemory Memory>
std::optional<PhysAddr> Cursor<Memory>::translate(VirtAddr va) {
  if (!va.is_canonical()) return std::nullopt;
  Mapping mapping = query(va);
  if (!mapping.is_mapped()) return std::nullopt;
  return mapping.pte.ppn().address() + va.offset_in(mapping.level);
}

template <PhysicalMemory Memory>
template <class Visitor>
void Cursor<Memory>::for_each_run(VirtRange range, Visitor&& visit) {
  VirtAddr va = range.begin();
  while (va - range.begin() < range.bytes()) {
    const Slot slot = find(va);
    const VirtAddr begin = va.align_down(slot.level);
    unsigned count = 1;
    if (slot.level == Level::base) {
      // (Distances, not addresses, are compared: the range may end at 2^64.)
      const u64 left = (range.bytes() - (begin - range.begin()) + page_size - 1) / page_size;
      count = entries_per_table - slot.index;
      if (left < count) count = static_cast<unsigned>(left);
    }
    visit(slot, begin, count);
    va = begin + count * bytes_of(slot.level);
  }
}

/// Calls visit(slot, begin) for each entry, leaf or hole, that intersects the range; holes as large as they are.
template <PhysicalMemory Memory>
template <class Visitor>
void Cursor<Memory>::for_each_slot(VirtRange range, Visitor&& visit) {
  for_each_run(range, [&](Slot slot, VirtAddr begin, unsigned count) {
    visit(slot, begin);
    while (--count != 0) {
      slot.pte = slot.node->load(++slot.index);
      begin = begin + page_size;
      visit(slot, begin);
    }
  });
}

template <PhysicalMemory Memory>
template <class Visitor>
void Cursor<Memory>::for_each_leaf(VirtRange range, Visitor&& visit) {
  for_each_slot(range, [&](const Slot& slot, VirtAddr begin) {
    if (slot.pte.is_leaf()) visit(slot, begin);
  });
}

template <PhysicalMemory Memory>
std::optional<Mapping> Cursor<Memory>::next(VirtRange range) {
  VirtAddr va = range.begin();
  while (va - range.begin() < range.bytes()) {
    Mapping mapping = query(va);
    if (mapping.is_mapped()) return mapping;
    va = mapping.begin + mapping.bytes();
  }
  return std::nullopt;
}

template <PhysicalMemory Memory>
void Cursor<Memory>::put(VirtAddr va, Pte leaf) {
  replace(find(va), leaf);
}

template <PhysicalMemory Memory>
template <class Leaf>
void Cursor<Memory>::put_all(VirtRange range, Leaf&& leaf) {
  for (u64 i = 0; i < range.page_count();) {
    const Slot first = find(range.begin() + i * page_size);
    for (unsigned index = first.index; index < entries_per_table && i < range.page_count(); ++index) {
      memory_.write(*first.node, index, leaf(i++));
    }
  }
}

template <PhysicalMemory Memory>
bool Cursor<Memory>::can_put_megapage(VirtAddr va) {
  Slot slot = find(va, Level::mega);
  if (!slot.pte.is_valid()) return true;
  return slot.level == Level::mega && slot.pte.is_table() && memory_.table(slot.pte.ppn()).is_empty();
}

template <PhysicalMemory Memory>
template <FrameSource Frames, class Batch>
void Cursor<Memory>::put_megapage(VirtAddr va, Pte leaf, Frames& frames, Batch& batch) {
  Slot slot = find(va, Level::mega);
  if (slot.pte.is_table()) {
    frames.deposit(slot.node_ppn, slot.pte.ppn());
    replace(slot, leaf);
    tag_[0] = no_tag;
    batch.changed_structure();
  } else {
    frames.deposit(slot.node_ppn, frames.take(Level::base, va));
    replace(slot, leaf);
    batch.changed(va);
  }
}

template <PhysicalMemory Memory>
template <FrameSource Frames>
std::expected<void, Error> Cursor<Memory>::want_tables(VirtRange range, Level leaf, Frames& frames) {
  if (leaf == root_level) return {};
  Wants wants(frames);
  const u64 span = bytes_of(above(leaf));
  for (VirtAddr va = range.begin().align_down(above(leaf)); !range.empty(); va = va + span) {
    const Slot slot = find(va, leaf);
    if (slot.level != leaf) {
      if (slot.pte.is_leaf()) return std::unexpected(Error{ErrorKind::already_mapped, va.value(), slot.pte.raw()});
      wants.path(va, slot.level, leaf);
    }
    if (range.last() - va < span) break;
  }
  return {};
}

template <PhysicalMemory Memory>
template <FrameSource Frames>
void Cursor<Memory>::link_down_to(VirtAddr va, Level node, Frames& frames) {
  for (Slot slot = find(va, node); slot.level != node; slot = find(va, node)) {
    Level level = below(slot.level);
    replace(slot, Pte::table(frames.take(level, va.align_down(slot.level))));
  }
}

template <PhysicalMemory Memory>
template <FrameSource Frames>
void Cursor<Memory>::link_tables(VirtRange range, Level leaf, Frames& frames) {
  if (leaf == root_level || range.empty()) return;
  const u64 span = bytes_of(above(leaf));
  for (VirtAddr va = range.begin().align_down(above(leaf));; va = va + span) {
    link_down_to(va, leaf, frames);
    if (range.last() - va < span) break;
  }
}

/// The largest leaf that can stand at `va` for a run of `pages` frames from `ppn` on, no table being in its place.
template <PhysicalMemory Memory>
Level Cursor<Memory>::chunk_level(VirtAddr va, Ppn ppn, u64 pages, Level largest) {
  for (Level level = largest; level != Level::base; level = below(level)) {
    if (va.is_aligned(level) && ppn.is_aligned(level) && pages >= pages_of(level) && !find(va, level).pte.is_valid()) {
      return level;
    }
  }
  return Level::base;
}

template <PhysicalMemory Memory>
template <FrameSource Frames>
std::expected<void, Error> Cursor<Memory>::map(VirtRange range, Ppn first, Permissions permissions, Frames& frames,
                                               Level largest, Splitting splitting) {
  if (!range.is_page_aligned()) return std::unexpected(Error{ErrorKind::misaligned, range.begin().value(), 0});
  if (range.empty()) return {};
  if (!first.is_encodable() || !(first + (range.page_count() - 1)).is_encodable()) {
    return std::unexpected(Error{ErrorKind::overflow, first.address().value(), 0});
  }
  if (auto old = next(range)) {
    return std::unexpected(Error{ErrorKind::already_mapped, old->begin.value(), old->pte.raw()});
  }
  // A gigapage would need 513 tables in deposit; what may be split is at most a megapage.
  if (splitting == Splitting::possible && largest == Level::giga) largest = Level::mega;

  // The same chunks twice: first to know what is needed, then to write. Neither pass changes what the other decides.
  auto for_each_chunk = [&](auto&& step) {
    u64 done = 0;
    while (done < range.page_count()) {
      VirtAddr va = range.begin() + done * page_size;
      Level level = chunk_level(va, first + done, range.page_count() - done, largest);
      step(va, first + done, level);
      done += pages_of(level);
    }
  };
  Wants wants(frames);
  for_each_chunk([&](VirtAddr va, Ppn, Level level) {
    wants.path(va, find(va, level).level, level);
    if (level == Level::mega && splitting == Splitting::possible) wants.table(Level::base, va);
  });
  if (auto reserved = frames.reserve(); !reserved) return std::unexpected(reserved.error());
  for_each_chunk([&](VirtAddr va, Ppn ppn, Level level) {
    link_down_to(va, level, frames);
    Slot slot = find(va, level);
    if (level == Level::mega && splitting == Splitting::possible) {
      frames.deposit(slot.node_ppn, frames.take(Level::base, va));
    }
    replace(slot, Pte::leaf(ppn, permissions, level));
  });
  return {};
}

template <PhysicalMemory Memory>
template <FrameSource Frames, class Batch>
void Cursor<Memory>::split_slot(const Slot& slot, VirtAddr begin, Frames& frames, Batch& batch) {
  frames.splitting(slot.pte.ppn());
  Ppn table_ppn = frames.withdraw(slot.node_ppn);
  PageTable& table = memory_.table(table_ppn);
  for (unsigned i = 0; i < entries_per_table; ++i) {
    memory_.write(table, i, slot.pte.with_frame(slot.pte.ppn() + i));
  }
  replace(slot, Pte::table(table_ppn));
  enter(Level::base, table_ppn, begin);
  batch.changed_structure();
}

template <PhysicalMemory Memory>
template <FrameSource Frames, class Batch>
void Cursor<Memory>::split(VirtAddr va, Frames& frames, Batch& batch) {
  Slot slot = find(va);
  if (slot.level == Level::mega && slot.pte.is_leaf()) split_slot(slot, va.align_down(Level::mega), frames, batch);
}

/// Splits the superpages that stick out of the range at either end.
template <PhysicalMemory Memory>
template <FrameSource Frames, class Batch>
void Cursor<Memory>::split_edges(VirtRange range, Frames& frames, Batch& batch) {
  if (range.empty()) return;
  if (!range.begin().is_aligned(Level::mega)) split(range.begin(), frames, batch);
  if (!range.end().is_aligned(Level::mega)) split(range.last(), frames, batch);
}

template <PhysicalMemory Memory>
template <FrameSource Frames, class Batch>
void Cursor<Memory>::unmap(VirtRange range, Frames& frames, Batch& batch) {
  split_edges(range, frames, batch);
  for_each_leaf(range, [&](const Slot& slot, VirtAddr begin) {
    if (slot.level == Level::mega) {
      // The table that was kept for the split comes into its place, so that a table once paid for stays: the cost of
      // an address space does not depend on whether it was grown by pages or by superpages.
      replace(slot, Pte::table(frames.withdraw(slot.node_ppn)));
      batch.changed_structure();
    } else {
      replace(slot, Pte());
      batch.changed(begin);
    }
    batch.release(slot.pte.ppn(), slot.level);
  });
}

template <PhysicalMemory Memory>
template <FrameSource Frames, class Batch>
void Cursor<Memory>::protect(VirtRange range, Permissions permissions, Frames& frames, Batch& batch) {
  split_edges(range, frames, batch);
  for_each_leaf(range, [&](const Slot& slot, VirtAddr begin) {
    Pte changed = slot.pte.with_permissions(permissions);
    if (changed == slot.pte) return;
    replace(slot, changed);
    batch.changed(begin);
  });
}

template <PhysicalMemory Memory>
template <FrameSource Frames, class Batch>
bool Cursor<Memory>::promote(VirtAddr va, Frames& frames, Batch& batch) {
  Slot slot = find(va, Level::mega);
  if (slot.level != Level::mega || !slot.pte.is_table()) return false;
  Ppn table_ppn = slot.pte.ppn();
  PageTable& table = memory_.table(table_ppn);
  Pte first = table.load(0);
  if (!first.is_leaf() || !first.ppn().is_aligned(Level::mega)) return false;
  for (unsigned i = entries_per_table - 1; i > 0; --i) {
    if (table.load(i) != first.with_frame(first.ppn() + i)) return false;
  }
  replace(slot, first);
  tag_[0] = no_tag;
  // Nothing may still read the table when its entries go: it leaves the tree, is fenced, and only then is emptied.
  batch.changed_structure();
  batch.flush();
  for (unsigned i = 0; i < entries_per_table; ++i) memory_.write(table, i, Pte());
  frames.deposit(slot.node_ppn, table_ppn);
  return true;
}

template <PhysicalMemory Memory>
template <FrameSource Frames>
std::optional<Mapping> Cursor<Memory>::free_below(PageTable& node, Level level, VirtAddr first, VirtAddr last,
                                                  Frames& frames) {
  std::optional<Mapping> culprit;
  for (unsigned i = first.index(level); i <= last.index(level); ++i) {
    Pte pte = node.load(i);
    if (!pte.is_valid()) continue;
    VirtAddr begin(first.align_down(level).value() + (u64{i} - first.index(level)) * bytes_of(level));
    if (!pte.is_table()) {
      if (!culprit) culprit = Mapping{begin, level, pte};
      continue;
    }
    if constexpr (requires { Frames::leaves_are_gone; }) {
      // The caller knows that level-0 nodes are empty: 512 entries need not be read to find it out.
      if (level == Level::mega && Frames::leaves_are_gone) {
        memory_.write(node, i, Pte());
        frames.give_back(pte.ppn());
        continue;
      }
    }
    PageTable& child = memory_.table(pte.ppn());
    VirtAddr child_first = i == first.index(level) ? first : begin;
    VirtAddr child_last = i == last.index(level) ? last : begin + (bytes_of(level) - 1);
    auto below_culprit = free_below(child, below(level), child_first, child_last, frames);
    if (below_culprit) {
      if (!culprit) culprit = below_culprit;
      continue;
    }
    memory_.write(node, i, Pte());
    frames.give_back(pte.ppn());
  }
  return culprit;
}

template <PhysicalMemory Memory>
template <FrameSource Frames>
std::optional<Mapping> Cursor<Memory>::free_tables(VirtRange range, Frames& frames) {
  if (range.empty()) return std::nullopt;
  forget();
  return free_below(*node_[2], root_level, range.begin(), range.last(), frames);
}

}  // namespace sv39
