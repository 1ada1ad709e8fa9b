// SPDX-License-Identifier: MIT
#include "mm/pages.hpp"

namespace mm {

/// (Apart: who gives up after it goes deep, and a kernel stack has no room for an edit besides.)
[[gnu::noinline]] lib::Result<void> Pages::populate(AddressSpace& space, VirtAddr begin, VirtAddr end,
                                                    Permissions permissions) {
  const VirtRange range = *VirtRange::between(begin, end);
  // What cannot succeed must not first take every frame from others, nor walk a table that will not be filled.
  const u64 page_count = range.page_count();
  if (frames().has_too_few(page_count)) return lib::fail(lib::Error::no_memory);
  FrameReservation pages;
  TableEdit edit = space.edit();
  if (!edit.cursor.want_tables(range, Level::base, edit.tables) ||
      frames().has_too_few(page_count + edit.tables.missing()) || !edit.tables.reserve()) {
    return lib::fail(lib::Error::no_memory);
  }
  LIB_TRY(pages.add(page_count, FrameState::user, Zero::yes));
  edit.link_tables(range);
  edit.put_all(range, [&](u64) { return Pte::leaf(pages.take(), permissions.user()); });
  note_tables(space, begin, end);
  return {};
}

bool Pages::has_room_for(AddressSpace& space, VirtAddr begin, VirtAddr end) {
  const VirtRange range = *VirtRange::between(begin, end);
  TableSource tables(space.spares_);
  return space.cursor().want_tables(range, Level::base, tables) &&
         !frames().has_too_few(range.page_count() + tables.missing());
}

lib::Result<void> Pages::populate_region(AddressSpace& space, Region& region) {
  const VirtAddr begin = region.begin;
  const VirtAddr end = region.end;
  const auto populate_part = [&](VirtAddr from, VirtAddr to) {
    if (!populate(space, from, to, region.permissions)) return false;
    region.note_populated(from, to);
    return true;
  };
  // What cannot succeed must not first take every frame from others.
  const bool may_fit = end - begin <= part_bytes || has_room_for(space, begin, end);
  if (may_fit && in_parts(begin, end, populate_part)) return {};
  erase(space, begin, end);
  return lib::fail(lib::Error::no_memory);
}

void Pages::note_tables(AddressSpace& space, VirtAddr begin, VirtAddr end) {
  // Programs grow from below, mappings from above; the gap between them is never filled from both sides.
  if (begin < lowest_mapping(space)) {
    if (end > space.low_tables_end_) space.low_tables_end_ = end;
  } else if (begin < space.high_tables_begin_) {
    space.high_tables_begin_ = begin;
  }
}

/// One anonymous base page, the commonest case of sbrk. False: something else is there.
[[gnu::always_inline]] inline bool Pages::unmap_single_page(AddressSpace& space, const Region& region, VirtAddr page) {
  if (region.kind == RegionKind::file) return false;
  const sv39::Slot slot = Cursor::walk(TableMemory{}, space.root_, page);
  if (slot.level != Level::base) return false;
  if (!slot.pte.is_valid()) return true;
  space.put(slot, page, Pte());
  frames().unref(slot.pte.ppn());
  return true;
}

void Pages::unmap(AddressSpace& space, Region& region, VirtAddr begin, VirtAddr end) {
  if (begin < region.populated_begin) begin = region.populated_begin;
  if (end > region.populated_end) end = region.populated_end;
  if (begin >= end) return;
  if (end - begin == sv39::page_size && unmap_single_page(space, region, begin)) return;
  unmap_by_parts(space, region, begin, end);
}

[[gnu::noinline]] void Pages::unmap_by_parts(AddressSpace& space, Region& region, VirtAddr begin, VirtAddr end) {
  (void)in_parts(begin, end, [&](VirtAddr from, VirtAddr to) {
    if (region.kind == RegionKind::file) {
      unmap_file_pages(space, region, from, to);
    } else {
      unmap_part(space, from, to);
    }
    return true;
  });
}

/// (Apart: a file's pages go deep, and a kernel stack has no room for an edit besides.)
[[gnu::noinline]] void Pages::unmap_part(AddressSpace& space, VirtAddr begin, VirtAddr end) {
  TableEdit edit = space.edit();
  edit.unmap(*VirtRange::between(begin, end));
}

/// Clears a file's pages, some of which may be private copies. May sleep, with no entry half changed: a batch
/// of pages is cleared and fenced before the file system hears of it.
void Pages::unmap_file_pages(AddressSpace& space, Region& region, VirtAddr begin, VirtAddr end) {
  ReleasedPages released;
  while (begin < end) {
    const VirtAddr stop = end - begin > released.batch_bytes ? begin + released.batch_bytes : end;
    clear_file_pages(space, region, *VirtRange::between(begin, stop), released);
    for (u32 i = 0; i < released.count; ++i) release_pending(*region.backing, released.index[i]);
    begin = stop;
  }
}

/// The part of it that cannot sleep, in a function of its own: what follows is the deepest that a kernel stack gets,
/// and has no room for a batch besides.
[[gnu::noinline]] void Pages::clear_file_pages(AddressSpace& space, const Region& region, VirtRange range,
                                               ReleasedPages& released) {
  released.count = 0;
  TableEdit edit = space.edit();
  edit.cursor.for_each_leaf(range, [&](const sv39::Slot& slot, VirtAddr va) {
    edit.replace(slot, va, Pte());
    if (frames().state(slot.pte.ppn()) == FrameState::file) {
      released.index[released.count++] = region.file_page(va);
      releases_pending.fetch_add(1, std::memory_order_relaxed);
    } else {
      edit.batch.release(slot.pte.ppn(), slot.level);
    }
  });
}

void Pages::drop(AddressSpace& space, Region& region, VirtAddr begin, VirtAddr end, Cursor& cursor,
                 TableSource& tables) {
  if (region.kind == RegionKind::file) {
    unmap_file_pages(space, region, begin, end);
    return;
  }
  const VirtRange range = *VirtRange::between(begin, end);
  const TableMemory memory;
  cursor.for_each_run(range, [&](const sv39::Slot& slot, VirtAddr, unsigned run) {
    if (slot.level != Level::base) {
      if (!slot.pte.is_leaf()) return;
      cursor.replace(slot, Pte::table(tables.withdraw(slot.node_ppn)));
      frames().unref_megapage(slot.pte.ppn());
      return;
    }
    for (unsigned i = slot.index; i < slot.index + run; ++i) {
      const Pte pte = slot.node->load(i);
      if (!pte.is_valid()) continue;
      memory.write(*slot.node, i, Pte());
      frames().unref(pte.ppn());
    }
  });
}

void Pages::erase(AddressSpace& space, VirtAddr begin, VirtAddr end) {
  u32 i = space.regions_.first_above(begin);
  while (i < space.regions_.size() && space.regions_[i].begin < end) {
    // First the part becomes a region of its own, so that the list is true whenever the rest of this sleeps.
    if (space.regions_[i].end > end) {
      if (space.regions_[i].backing != nullptr) space.regions_[i].backing->hold();
      space.regions_.cut(i, end);
    }
    if (space.regions_[i].begin < begin) {
      if (space.regions_[i].backing != nullptr) space.regions_[i].backing->hold();
      i = space.regions_.cut(i, begin);
    }
    unmap(space, space.regions_[i], space.regions_[i].begin, space.regions_[i].end);
    FileBacking* backing = space.regions_[i].backing;
    space.regions_.erase(i);
    if (backing != nullptr) backing->drop();
  }
}

[[gnu::noinline]] void Pages::promote_if_full(AddressSpace& space, const Region& region, VirtAddr page) {
  const VirtAddr begin = page.align_down(Level::mega);
  if (begin < region.begin) return;
  const sv39::Slot last = Cursor::walk(TableMemory{}, space.root_, page);
  if (last.level != Level::base) return;
  if (last.pte.ppn().value() % sv39::entries_per_table != sv39::entries_per_table - 1) return;
  TableEdit edit = space.edit();
  if (edit.promote(page)) count(VmEvent::superpage_promoted);
}

u32 Pages::first_mapping(const AddressSpace& space) {
  u32 i = space.regions_.size();
  while (i > 0 && space.regions_[i - 1].is_mmap()) --i;
  return i;
}

VirtAddr Pages::lowest_mapping(const AddressSpace& space) {
  const u32 first = first_mapping(space);
  return first < space.regions_.size() ? space.regions_[first].begin : VirtAddr(space.limit_);
}

}  // namespace mm
