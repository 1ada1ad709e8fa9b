// SPDX-License-Identifier: MIT
// Page faults, of programs and of copies on their behalf. One resolver decides, by region.
#include "lib/memory.hpp"
#include "mm/address_space.hpp"

namespace mm {

FaultResult AddressSpace::fault(VirtAddr va, Access access) {
  switch (resolve(va, access, Sleep::allowed)) {
    case Resolution::resolved: return FaultResult::resolved;
    case Resolution::no_memory: count(VmEvent::fault_out_of_memory); return FaultResult::no_memory;
    case Resolution::refused:
    case Resolution::needs_page_in: break;
  }
  count(VmEvent::fault_refused);
  return FaultResult::refused;
}

lib::Result<void> AddressSpace::page_in(VirtAddr va, Access access) {
  switch (resolve(va, access, Sleep::allowed)) {
    case Resolution::resolved: return {};
    case Resolution::no_memory: return lib::fail(lib::Error::no_memory);
    case Resolution::refused:
    case Resolution::needs_page_in: break;
  }
  return lib::fail(lib::Error::bad_address);
}

AddressSpace::Resolution AddressSpace::resolve(VirtAddr va, Access access, Sleep sleep) {
  if (va.value() >= limit_) return Resolution::refused;
  Region* region = regions_.find(va);
  if (region == nullptr || !region->allows(access)) return Resolution::refused;

  const VirtAddr page = va.align_down(Level::base);
  const sv39::Slot slot = Cursor::walk(TableMemory{}, root_, page);
  if (slot.pte.is_valid()) return resolve_present(*region, slot, page, access, sleep);
  if (region->kind == RegionKind::file) return map_file_page(*region, page, access, sleep);
  return demand_zero(*region, slot, page);
}

/// A first touch: a zeroed frame.
AddressSpace::Resolution AddressSpace::demand_zero(Region& region, sv39::Slot slot, VirtAddr page) {
  if (slot.level != Level::base) [[unlikely]]
    return demand_zero_and_tables(region, page);
  auto frame = frames().allocate(FrameState::user, Zero::yes);
  if (!frame) return Resolution::no_memory;
  store(slot, Pte::leaf(*frame, region.permissions.user()));
  // Hardware may remember that the page was absent.
  fence(page);
  count(VmEvent::fault_demand_zero);
  const bool in_order = page == region.populated_end;
  region.note_populated(page, page + sv39::page_size);
  if (slot.index == sv39::entries_per_table - 1) {
    promote_if_full(region, page);
  } else if (in_order && region.kind == RegionKind::anonymous) {
    populate_ahead(region, slot, page);
  }
  return Resolution::resolved;
}

/// A mapping that is touched page after page gets the next few at once, so that most of its faults never happen. Only
/// mmap's memory: of the heap xv6's tests expect page by page. What memory is left decides how far; running out of
/// it here is no error. (The pages behind the region's populated part are absent, or it would be longer.)
[[gnu::noinline]] void AddressSpace::populate_ahead(Region& region, sv39::Slot slot, VirtAddr page) {
  constexpr u32 pages_ahead = 7;
  constexpr u32 last_index = sv39::entries_per_table - 1;
  for (u32 i = 0; i < pages_ahead && slot.index < last_index; ++i) {
    ++slot.index;
    page = page + sv39::page_size;
    if (page >= region.end) return;
    auto frame = frames().allocate(FrameState::user, Zero::yes);
    if (!frame) return;
    store(slot, Pte::leaf(*frame, region.permissions.user()));
    fence(page);
    region.note_populated(page, page + sv39::page_size);
  }
  if (slot.index == last_index) promote_if_full(region, page);
}

/// The same where the way down to the page is not there yet.
[[gnu::noinline]] AddressSpace::Resolution AddressSpace::demand_zero_and_tables(Region& region, VirtAddr page) {
  const VirtRange range = VirtRange::pages(page.floor(), 1);
  TableSource tables(spares_);
  Cursor cursor = this->cursor();
  if (!cursor.want_tables(range, Level::base, tables) || !tables.reserve()) return Resolution::no_memory;
  auto frame = frames().allocate(FrameState::user, Zero::yes);
  if (!frame) return Resolution::no_memory;
  cursor.link_tables(range, Level::base, tables);
  note_tables(page, page + sv39::page_size);
  cursor.put(page, Pte::leaf(*frame, region.permissions.user()));
  region.note_populated(page, page + sv39::page_size);
  fence(page);
  count(VmEvent::fault_demand_zero);
  return Resolution::resolved;
}

AddressSpace::Resolution AddressSpace::resolve_present(Region& region, sv39::Slot slot, VirtAddr page, Access access,
                                                       Sleep sleep) {
  if (slot.pte.allows(access)) {
    // The table permits it: stale translation, another hart was faster, or A and D are the kernel's business here.
    Pte wanted = slot.pte.with_accessed();
    if (access == Access::write) wanted = wanted.with_dirty();
    if (wanted != slot.pte) store(slot, wanted);
    fence(page);
    count(VmEvent::fault_spurious);
    return Resolution::resolved;
  }
  if (access != Access::write) return Resolution::refused;
  if (slot.pte.is_copy_on_write()) return break_sharing(region, slot, page, sleep);
  if (region.kind == RegionKind::file && region.sharing == Sharing::shared) {
    // Mapped for reading until now, so that the file system knows which pages were written.
    region.backing->mark_dirty(region.file_page(page));
    store(slot, slot.pte.with_permissions(region.permissions.user()));
    fence(page);
    count(VmEvent::fault_file_page);
    return Resolution::resolved;
  }
  return Resolution::refused;
}

/// A store to a page that was shared at fork, or that shows a file's page privately.
///
/// Why looking at the count is enough: (1) only who maps the frame can share it further, and that is us; (2) another
/// sharer that leaves or breaks away lowers the count after its last access to the frame. So a count of one is ours
/// and stays one. Two sharers that see two at the same time both copy, and the frame is freed by the second unref.
AddressSpace::Resolution AddressSpace::break_sharing(Region& region, sv39::Slot slot, VirtAddr page, Sleep sleep) {
  if (slot.level == Level::mega) [[unlikely]] {
    if (frames().is_sole_megapage_owner(slot.pte.ppn())) {
      store(slot, slot.pte.as_private());
      fence(page);
      count(VmEvent::fault_cow_reuse);
      return Resolution::resolved;
    }
    split_megapage(page);
    slot = Cursor::walk(TableMemory{}, root_, page);
  }
  const Ppn old = slot.pte.ppn();
  if (frames().state(old) == FrameState::file) {
    // The last mapping of a dirty page writes it back when it goes, and that sleeps.
    if (sleep == Sleep::forbidden) return Resolution::needs_page_in;
    Resolution result = copy_page_for(region, slot, page);
    if (result != Resolution::resolved) return result;
    release_unmapped(*region.backing, region.file_page(page));
    return result;
  }
  if (frames().refs(old) == 1) {
    store(slot, slot.pte.as_private());
    fence(page);
    count(VmEvent::fault_cow_reuse);
    return Resolution::resolved;
  }
  Resolution result = copy_page_for(region, slot, page);
  if (result == Resolution::resolved) frames().unref(old);
  return result;
}

[[gnu::noinline]] void AddressSpace::split_megapage(VirtAddr page) {
  Cursor cursor = this->cursor();
  TableSource tables(spares_);
  SpaceTlb tlb{view_};
  UserFrameSink sink;
  Batch batch(tlb, sink);
  cursor.split(page, tables, batch);
}

/// Gives the page a private copy of the frame it shows; the old frame still has our reference, its translation is gone.
AddressSpace::Resolution AddressSpace::copy_page_for(Region& region, sv39::Slot slot, VirtAddr page) {
  auto frame = frames().allocate(FrameState::user);
  if (!frame) return Resolution::no_memory;
  lib::copy_page(frame_bytes(*frame), frame_bytes(slot.pte.ppn()));
  count(VmEvent::frame_copied);
  store(slot, slot.pte.as_private().with_frame(*frame));
  fence(page);
  if (region.permissions.allows(Access::execute)) code_changed();
  count(VmEvent::fault_cow_copy);
  return Resolution::resolved;
}

[[gnu::noinline]] AddressSpace::Resolution AddressSpace::map_file_page(Region& region, VirtAddr page, Access access,
                                                                       Sleep sleep) {
  const u64 index = region.file_page(page);
  auto frame = region.backing->try_acquire_page(index);
  if (!frame) {
    if (sleep == Sleep::forbidden) return Resolution::needs_page_in;
    frame = region.backing->acquire_page(index);
    if (!frame) return frame.error() == lib::Error::no_memory ? Resolution::no_memory : Resolution::refused;
  }
  // Only now, for nothing may be held that no table and no list shows while acquire_page sleeps.
  const VirtRange range = VirtRange::pages(page.floor(), 1);
  Cursor cursor = this->cursor();
  TableSource tables(spares_);
  if (!cursor.want_tables(range, Level::base, tables) || !tables.reserve()) {
    // Does not sleep where that is forbidden: a page that was in memory has another mapping or is clean.
    release_unmapped(*region.backing, index);
    return Resolution::no_memory;
  }
  cursor.link_tables(range, Level::base, tables);
  note_tables(page, page + sv39::page_size);
  region.note_populated(page, page + sv39::page_size);

  const Permissions rights = region.permissions.user();
  Pte leaf;
  if (region.sharing == Sharing::private_copy) {
    leaf = Pte::leaf(*frame, rights).as_copy_on_write();
  } else if (access == Access::write) {
    region.backing->mark_dirty(index);
    leaf = Pte::leaf(*frame, rights);
  } else {
    leaf = Pte::leaf(*frame, rights.without_write());
  }
  cursor.put(page, leaf);
  fence(page);
  if (rights.allows(Access::execute)) code_changed();
  count(VmEvent::fault_file_page);
  if (region.sharing == Sharing::private_copy && access == Access::write) {
    return break_sharing(region, cursor.find(page), page, sleep);
  }
  return Resolution::resolved;
}

/// If the 2 MiB that end with `page`, which is mapped, belong to the region and are by now contiguous frames of equal
/// rights, they become one megapage. The last frame tells in most cases that they are not.
[[gnu::noinline]] void AddressSpace::promote_if_full(const Region& region, VirtAddr page) {
  const VirtAddr begin = page.align_down(Level::mega);
  if (begin < region.begin) return;
  const sv39::Slot last = Cursor::walk(TableMemory{}, root_, page);
  if (last.level != Level::base) return;
  if (last.pte.ppn().value() % sv39::entries_per_table != sv39::entries_per_table - 1) return;
  TableSource tables(spares_);
  SpaceTlb tlb{view_};
  UserFrameSink sink;
  Batch batch(tlb, sink);
  Cursor cursor = this->cursor();
  if (cursor.promote(page, tables, batch)) count(VmEvent::superpage_promoted);
}

}  // namespace mm
