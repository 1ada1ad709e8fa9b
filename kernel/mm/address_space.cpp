// SPDX-License-Identifier: MIT
#include "mm/address_space.hpp"

#include <new>

#include "lib/bug.hpp"
#include "mm/kernel_space.hpp"
#include "mm/space_list.hpp"

namespace mm {

namespace {

/// The pages at the top of every user table: USYSCALL, which a space may be without, TRAPFRAME and TRAMPOLINE.
constexpr u64 fixed_begin = abi::usyscall;
constexpr u64 fixed_pages = 3;

VirtRange fixed_range() { return VirtRange::pages(VirtAddr(fixed_begin).floor(), fixed_pages); }

}  // namespace

// Making and ending.

lib::Result<AddressSpace*> AddressSpace::create(const SpaceOwner& owner) {
  const Ppn home = LIB_TRY(frames().allocate(FrameState::kernel));
  auto root = frames().allocate(FrameState::table, Zero::yes);
  if (!root) {
    frames().free(home);
    return lib::fail(root.error());
  }
  frames().record(*root).first = frames().record(*root).second = no_frame;

  auto* space = new (frame_bytes(home)) AddressSpace();
  space->root_ = *root;
  space->owner_ = owner;
  space->high_tables_begin_ = VirtAddr(fixed_begin);
  if (!owner.has_usyscall()) space->limit_ = abi::trapframe;
  auto attached = View::attach(space->view_, *root, owner);
  if (attached) {
    if (auto mapped = space->map_fixed_pages(); mapped) {
      add_to_all_spaces(*space);
      count(VmEvent::table_allocated);
      return space;
    }
    View::detach(space->view_, *root);
  }
  frames().free_zeroed(*root);
  frames().free(home);
  return lib::fail(lib::Error::no_memory);
}

lib::Result<void> AddressSpace::map_fixed_pages() {
  TableSource tables(spares_);
  Cursor cursor = this->cursor();
  if (!cursor.want_tables(fixed_range(), Level::base, tables) || !tables.reserve()) {
    return lib::fail(lib::Error::no_memory);
  }
  cursor.link_tables(fixed_range(), Level::base, tables);
  if (owner_.has_usyscall()) {
    cursor.put(VirtAddr(abi::usyscall), Pte::leaf(owner_.usyscall, Permissions::read_only().user()));
    frames().ref(owner_.usyscall);
  }
  cursor.put(VirtAddr(abi::trapframe), Pte::leaf(owner_.trapframe, Permissions::read_write()));
  cursor.put(VirtAddr(abi::trampoline), Pte::leaf(kernel_space().trampoline().floor(), Permissions::read_execute()));
  frames().ref(owner_.trapframe);
  return {};
}

void AddressSpace::unmap_fixed_pages() {
  Cursor cursor = this->cursor();
  for (VirtAddr va(limit_); va < fixed_range().end(); va = va + sv39::page_size) cursor.put(va, Pte());
  if (owner_.has_usyscall()) frames().unref(owner_.usyscall);
  frames().unref(owner_.trapframe);
}

void AddressSpace::destroy(AddressSpace* space) {
  // No hart runs on it, and its ASID is never used again without a fence of everything (AsidAllocator): what the
  // TLBs still hold of it cannot be reached, so nothing has to be fenced.
  space->release_memory();
  for (Region& region : space->regions_) {
    if (region.backing != nullptr) region.backing->drop();
  }
  remove_from_all_spaces(*space);  // until here the release of a file's page may have slept
  space->unmap_fixed_pages();

  TableSource tables(space->spares_);
  Cursor cursor = space->cursor();
  const VirtAddr top(abi::user_top);
  const VirtAddr high_begin = space->high_tables_begin_;
  // A node that serves both parts must be freed once, after both: then they are one.
  const bool one_part = space->low_tables_end_ > high_begin.align_down(Level::giga);
  const VirtRange low = *VirtRange::between(VirtAddr(0), one_part ? top : space->low_tables_end_);
  const VirtRange high = one_part ? VirtRange() : *VirtRange::between(high_begin, top);
  if (cursor.free_tables(low, tables) || cursor.free_tables(high, tables)) {
    lib::bug("address space ends with a page mapped outside its regions");
  }
  View::detach(space->view_, space->root_);
  frames().free_zeroed(space->root_);
  count(VmEvent::table_freed);
  space->spares_.release();

  const Ppn home = arch::to_phys(space).floor();
  space->~AddressSpace();
  frames().free(home);
}

void AddressSpace::release_memory() {
  // One cursor for all: the regions of a small program share a table.
  TableSource tables(spares_);
  Cursor cursor = this->cursor();
  for (Region& region : regions_) {
    const VirtAddr end = region.populated_end;
    for (VirtAddr begin = region.populated_begin; begin < end;) {
      const VirtAddr stop = end_of_part(begin, end);
      drop_pages(region, begin, stop, cursor, tables);
      begin = stop;
      if (begin < end) sched::give_way();
    }
    region.populated_begin = region.populated_end = VirtAddr();
  }
}

/// Takes the pages [begin, end) of a region of a dead space out of the table, without fences.
void AddressSpace::drop_pages(Region& region, VirtAddr begin, VirtAddr end, Cursor& cursor, TableSource& tables) {
  if (region.kind == RegionKind::file) {
    unmap_file_pages(region, begin, end);
    return;
  }
  const VirtRange range = *VirtRange::between(begin, end);
  const bool counted = region.kind != RegionKind::guard;
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
      if (counted) frames().unref(pte.ppn());
    }
  });
}

// Pages of regions.

/// Reserves tables and zeroed frames for the absent pages [begin, end) and maps them; all or nothing.
lib::Result<void> AddressSpace::populate(VirtAddr begin, VirtAddr end, Permissions permissions) {
  const VirtRange range = *VirtRange::between(begin, end);
  // What cannot succeed must not first take every frame from others, nor walk a table that will not be filled.
  const u64 page_count = range.page_count();
  if (frames().has_too_few(page_count)) return lib::fail(lib::Error::no_memory);
  TableSource tables(spares_);
  FrameReservation pages;
  Cursor cursor = this->cursor();
  if (!cursor.want_tables(range, Level::base, tables) || frames().has_too_few(page_count + tables.missing()) ||
      !tables.reserve()) {
    return lib::fail(lib::Error::no_memory);
  }
  LIB_TRY(pages.add(page_count, FrameState::user, Zero::yes));
  cursor.link_tables(range, Level::base, tables);
  map_reserved(cursor, range, permissions, pages);
  note_tables(begin, end);
  return {};
}

/// Whether memory has the frames for every page of [begin, end), where nothing is mapped, and for their tables. Asked
/// before work that goes in parts: one that failed on the way would leave the tables of those before it behind.
bool AddressSpace::has_room_for(VirtAddr begin, VirtAddr end) {
  const VirtRange range = *VirtRange::between(begin, end);
  TableSource tables(spares_);
  return cursor().want_tables(range, Level::base, tables) &&
         !frames().has_too_few(range.page_count() + tables.missing());
}

/// Where the first part of [begin, end) ends: between two megapages, unless it is the last.
VirtAddr AddressSpace::end_of_part(VirtAddr begin, VirtAddr end) {
  return end - begin <= part_bytes ? end : (begin + part_bytes).align_down(Level::mega);
}

/// populate() for all of a region that is in the list; if memory runs out the region is gone.
lib::Result<void> AddressSpace::populate_region(Region& region) {
  const VirtAddr begin = region.begin;
  const VirtAddr end = region.end;
  // What cannot succeed must not first take every frame from others.
  bool fits = end - begin <= part_bytes || has_room_for(begin, end);
  for (VirtAddr va = begin; fits && va < end;) {
    const VirtAddr stop = end_of_part(va, end);
    fits = populate(va, stop, region.permissions).has_value();
    if (!fits) break;
    region.note_populated(va, stop);
    va = stop;
    if (va < end) sched::give_way();
  }
  if (fits) return {};
  erase_range(begin, end);
  return lib::fail(lib::Error::no_memory);
}

/// Maps the pages of `range`, whose tables are there, to frames of the reservation.
void AddressSpace::map_reserved(Cursor& cursor, VirtRange range, Permissions permissions, FrameReservation& pages) {
  SpaceTlb tlb{view_};
  UserFrameSink sink;
  Batch batch(tlb, sink);
  const Permissions rights = permissions.user();
  cursor.put_all(range, [&](u64) { return Pte::leaf(pages.take(), rights); });
  batch.changed(range.begin(), range.page_count());
}

/// Tables exist now for [begin, end): remembered so that the end of the space need not search for them.
void AddressSpace::note_tables(VirtAddr begin, VirtAddr end) {
  // Programs grow from below, mappings from above; the gap between them is never filled from both sides.
  if (begin < lowest_mapping()) {
    if (end > low_tables_end_) low_tables_end_ = end;
  } else if (begin < high_tables_begin_) {
    high_tables_begin_ = begin;
  }
}

/// One anonymous base page, the commonest case of sbrk. False: something else is there.
[[gnu::always_inline]] inline bool AddressSpace::unmap_single_page(const Region& region, VirtAddr page) {
  if (region.kind == RegionKind::guard || region.kind == RegionKind::file) return false;
  const sv39::Slot slot = Cursor::walk(TableMemory{}, root_, page);
  if (slot.level != Level::base) return false;
  if (!slot.pte.is_valid()) return true;
  store(slot, Pte());
  fence(page);
  frames().unref(slot.pte.ppn());
  return true;
}

/// Clears the pages of [begin, end), a part of `region`, with all fences done when it returns.
void AddressSpace::unmap_region_part(Region& region, VirtAddr begin, VirtAddr end) {
  if (begin < region.populated_begin) begin = region.populated_begin;
  if (end > region.populated_end) end = region.populated_end;
  if (begin >= end) return;
  if (end - begin == sv39::page_size && unmap_single_page(region, begin)) return;
  unmap_by_parts(region, begin, end);
}

[[gnu::noinline]] void AddressSpace::unmap_by_parts(Region& region, VirtAddr begin, VirtAddr end) {
  for (;;) {
    const VirtAddr stop = end_of_part(begin, end);
    unmap_pages(region, begin, stop);
    begin = stop;
    if (begin == end) return;
    sched::give_way();
  }
}

[[gnu::noinline]] void AddressSpace::unmap_pages(Region& region, VirtAddr begin, VirtAddr end) {
  if (region.kind == RegionKind::file) {
    unmap_file_pages(region, begin, end);
    return;
  }
  TableSource tables(spares_);
  SpaceTlb tlb{view_};
  UserFrameSink sink;
  Batch batch(tlb, sink);
  Cursor cursor = this->cursor();
  const VirtRange range = *VirtRange::between(begin, end);
  if (region.kind == RegionKind::guard) {
    // The guard's frame is the kernel's and nobody counts it.
    cursor.for_each_leaf(range, [&](const sv39::Slot& slot, VirtAddr va) {
      cursor.replace(slot, Pte());
      batch.changed(va);
    });
  } else {
    cursor.unmap(range, tables, batch);
  }
}

/// Clears a file's pages, some of which may be private copies. May sleep, with no entry half changed: a batch
/// of pages is cleared and fenced before the file system hears of it.
void AddressSpace::unmap_file_pages(Region& region, VirtAddr begin, VirtAddr end) {
  ReleasedPages released;
  while (begin < end) {
    const VirtAddr stop = end - begin > released.batch_bytes ? begin + released.batch_bytes : end;
    clear_file_pages(region, *VirtRange::between(begin, stop), released);
    for (u32 i = 0; i < released.count; ++i) release_pending(*region.backing, released.index[i]);
    begin = stop;
  }
}

/// The part of it that cannot sleep, in a function of its own: what follows is the deepest that a kernel stack gets,
/// and has no room for a batch besides.
[[gnu::noinline]] void AddressSpace::clear_file_pages(const Region& region, VirtRange range, ReleasedPages& released) {
  released.count = 0;
  SpaceTlb tlb{view_};
  UserFrameSink sink;
  Batch batch(tlb, sink);
  Cursor cursor = this->cursor();
  cursor.for_each_leaf(range, [&](const sv39::Slot& slot, VirtAddr va) {
    cursor.replace(slot, Pte());
    batch.changed(va);
    if (frames().state(slot.pte.ppn()) == FrameState::file) {
      released.index[released.count++] = region.file_page(va);
      releases_pending.fetch_add(1, std::memory_order_relaxed);
    } else {
      batch.release(slot.pte.ppn(), slot.level);
    }
  });
}

/// Ends all regions, or their parts, in [begin, end). May leave one region more than before (a hole in the middle).
void AddressSpace::erase_range(VirtAddr begin, VirtAddr end) {
  u32 i = regions_.first_above(begin);
  while (i < regions_.size() && regions_[i].begin < end) {
    // First the part becomes a region of its own, so that the list is true whenever the rest of this sleeps.
    if (regions_[i].end > end) {
      if (regions_[i].backing != nullptr) regions_[i].backing->hold();
      regions_.cut(i, end);
    }
    if (regions_[i].begin < begin) {
      if (regions_[i].backing != nullptr) regions_[i].backing->hold();
      i = regions_.cut(i, begin);
    }
    unmap_region_part(regions_[i], regions_[i].begin, regions_[i].end);
    FileBacking* backing = regions_[i].backing;
    regions_.erase(i);
    if (backing != nullptr) backing->drop();
  }
}

/// Index of the lowest mmap region, size() if there is none. Mappings are placed from the top down and program memory
/// grows from below, so they are the last in the list.
u32 AddressSpace::first_mapping() const {
  u32 i = regions_.size();
  while (i > 0 && regions_[i - 1].is_mmap()) --i;
  return i;
}

/// Lowest address of an mmap region, or of what no region may reach.
VirtAddr AddressSpace::lowest_mapping() const {
  const u32 first = first_mapping();
  return first < regions_.size() ? regions_[first].begin : VirtAddr(limit_);
}

// Running.

u64 AddressSpace::switch_in() {
  const u32 bit = 1U << arch::hart_index();
  if (stale_code_ & bit) [[unlikely]] {
    stale_code_ &= ~bit;
    arch::fence_i();
    count(VmEvent::fence_instruction);
  }
  const u64 satp = View::switch_in(view_, root_);
  if (satp != 0) count(VmEvent::satp_written);
  return satp;
}

void AddressSpace::code_changed() {
  const u32 bit = 1U << arch::hart_index();
  stale_code_ = ~bit;
  arch::fence_i();
  count(VmEvent::fence_instruction);
}

u64 AddressSpace::user_satp() const { return View::user_satp(view_, root_); }
u64 AddressSpace::kernel_satp() const { return View::kernel_satp(view_, root_); }
Ppn AddressSpace::kernel_root() const { return View::kernel_root(view_, root_); }

}  // namespace mm
