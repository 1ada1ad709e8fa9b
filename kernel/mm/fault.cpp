// SPDX-License-Identifier: MIT
// Page faults, of programs and of copies on their behalf. One resolver decides, by region.
#include "lib/memory.hpp"
#include "mm/faults.hpp"
#include "mm/pages.hpp"

namespace mm {

FaultResult AddressSpace::fault(VirtAddr va, Access access) {
  const lib::Status resolved = Faults::resolve(*this, va, access, Sleep::allowed);
  if (resolved) [[likely]]
    return FaultResult::resolved;
  if (resolved.error() == lib::Error::no_memory) {
    count(VmEvent::fault_out_of_memory);
    return FaultResult::no_memory;
  }
  count(VmEvent::fault_refused);
  return FaultResult::refused;
}

lib::Result<void> AddressSpace::page_in(VirtAddr va, Access access) {
  return Faults::resolve(*this, va, access, Sleep::allowed).result();
}

lib::Status Faults::resolve(AddressSpace& space, VirtAddr va, Access access, Sleep sleep) {
  if (va.value() >= space.limit_) return lib::fail(lib::Error::bad_address);
  Region* region = space.regions_.find(va);
  if (region == nullptr || !region->allows(access)) return lib::fail(lib::Error::bad_address);

  const VirtAddr page = va.align_down(Level::base);
  const sv39::Slot slot = Cursor::walk(TableMemory{}, space.root_, page);
  if (slot.pte.is_valid()) return resolve_present(space, *region, slot, page, access, sleep);
  if (region->kind == RegionKind::file) return map_file_page(space, *region, page, access, sleep);
  return demand_zero(space, *region, slot, page);
}

/// A first touch: a zeroed frame.
lib::Status Faults::demand_zero(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page) {
  if (slot.level != Level::base) [[unlikely]]
    return demand_zero_and_tables(space, region, page);
  auto frame = frames().allocate(FrameState::user, Zero::yes);
  if (!frame) return lib::fail(lib::Error::no_memory);
  space.put(slot, page, Pte::leaf(*frame, region.permissions.user()));
  count(VmEvent::fault_demand_zero);
  const bool in_order = page == region.populated_end;
  region.note_populated(page, page + sv39::page_size);
  if (slot.index == sv39::entries_per_table - 1) {
    Pages::promote_if_full(space, region, page);
  } else if (in_order && region.kind == RegionKind::anonymous) {
    populate_ahead(space, region, slot, page);
  }
  return {};
}

/// A mapping that is touched page after page gets the next few at once, so that most of its faults never happen. Only
/// mmap's memory: of the heap xv6's tests expect page by page. What memory is left decides how far; running out of
/// it here is no error. (The pages behind the region's populated part are absent, or it would be longer.)
[[gnu::noinline]] void Faults::populate_ahead(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page) {
  constexpr u32 pages_ahead = 7;
  constexpr u32 last_index = sv39::entries_per_table - 1;
  for (u32 i = 0; i < pages_ahead && slot.index < last_index; ++i) {
    ++slot.index;
    page = page + sv39::page_size;
    if (page >= region.end) return;
    auto frame = frames().allocate(FrameState::user, Zero::yes);
    if (!frame) return;
    space.put(slot, page, Pte::leaf(*frame, region.permissions.user()));
    region.note_populated(page, page + sv39::page_size);
  }
  if (slot.index == last_index) Pages::promote_if_full(space, region, page);
}

/// The same where the way down to the page is not there yet.
[[gnu::noinline]] lib::Status Faults::demand_zero_and_tables(AddressSpace& space, Region& region, VirtAddr page) {
  const VirtRange range = VirtRange::pages(page.floor(), 1);
  TableEdit edit = space.edit();
  if (!edit.reserve_tables(range)) return lib::fail(lib::Error::no_memory);
  auto frame = frames().allocate(FrameState::user, Zero::yes);
  if (!frame) return lib::fail(lib::Error::no_memory);
  edit.link_tables(range);
  Pages::note_tables(space, page, page + sv39::page_size);
  edit.put(page, Pte::leaf(*frame, region.permissions.user()));
  region.note_populated(page, page + sv39::page_size);
  count(VmEvent::fault_demand_zero);
  return {};
}

lib::Status Faults::resolve_present(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page, Access access,
                                    Sleep sleep) {
  if (slot.pte.allows(access)) {
    // The table permits it: stale translation, another hart was faster, or A and D are the kernel's business here.
    Pte wanted = slot.pte.with_accessed();
    if (access == Access::write) wanted = wanted.with_dirty();
    space.put(slot, page, wanted);
    count(VmEvent::fault_spurious);
    return {};
  }
  if (access != Access::write) return lib::fail(lib::Error::bad_address);
  if (slot.pte.is_copy_on_write()) return break_sharing(space, region, slot, page, sleep);
  if (region.kind == RegionKind::file && region.sharing == Sharing::shared) {
    // Mapped for reading until now, so that the file system knows which pages were written.
    region.backing->mark_dirty(region.file_page(page));
    space.put(slot, page, slot.pte.with_permissions(region.permissions.user()));
    count(VmEvent::fault_file_page);
    return {};
  }
  return lib::fail(lib::Error::bad_address);
}

/// A store to a page that was shared at fork, or that shows a file's page privately.
///
/// Why looking at the count is enough: (1) only who maps the frame can share it further, and that is us; (2) another
/// sharer that leaves or breaks away lowers the count after its last access to the frame. So a count of one is ours
/// and stays one. Two sharers that see two at the same time both copy, and the frame is freed by the second unref.
lib::Status Faults::break_sharing(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page, Sleep sleep) {
  if (slot.level == Level::mega) [[unlikely]] {
    if (frames().is_sole_megapage_owner(slot.pte.ppn())) {
      space.put(slot, page, slot.pte.as_private());
      count(VmEvent::fault_cow_reuse);
      return {};
    }
    split_megapage(space, page);
    slot = Cursor::walk(TableMemory{}, space.root_, page);
  }
  const Ppn old = slot.pte.ppn();
  if (frames().state(old) == FrameState::file) {
    // The last mapping of a dirty page writes it back when it goes, and that sleeps.
    if (sleep == Sleep::forbidden) return lib::fail(lib::Error::needs_page_in);
    LIB_TRY(copy_page_for(space, region, slot, page));
    release_unmapped(*region.backing, region.file_page(page));
    return {};
  }
  if (frames().refs(old) == 1) {
    space.put(slot, page, slot.pte.as_private());
    count(VmEvent::fault_cow_reuse);
    return {};
  }
  LIB_TRY(copy_page_for(space, region, slot, page));
  frames().unref(old);
  return {};
}

[[gnu::noinline]] void Faults::split_megapage(AddressSpace& space, VirtAddr page) {
  TableEdit edit = space.edit();
  edit.split(page);
}

/// Gives the page a private copy of the frame it shows; the old frame still has our reference, its translation is gone.
lib::Status Faults::copy_page_for(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page) {
  auto frame = frames().allocate(FrameState::user);
  if (!frame) return lib::fail(lib::Error::no_memory);
  lib::copy_page(frame_bytes(*frame), frame_bytes(slot.pte.ppn()));
  count(VmEvent::frame_copied);
  space.put(slot, page, slot.pte.as_private().with_frame(*frame));
  if (region.permissions.allows(Access::execute)) space.code_changed();
  count(VmEvent::fault_cow_copy);
  return {};
}

[[gnu::noinline]] lib::Status Faults::map_file_page(AddressSpace& space, Region& region, VirtAddr page, Access access,
                                                    Sleep sleep) {
  const u64 index = region.file_page(page);
  auto frame = region.backing->try_acquire_page(index);
  if (!frame) {
    if (sleep == Sleep::forbidden) return lib::fail(lib::Error::needs_page_in);
    frame = region.backing->acquire_page(index);
    if (!frame) {
      return lib::fail(frame.error() == lib::Error::no_memory ? lib::Error::no_memory : lib::Error::bad_address);
    }
  }
  // Only now, for nothing may be held that no table and no list shows while acquire_page sleeps.
  if (!show_file_page(space, region, page, *frame, access)) {
    // Does not sleep where that is forbidden: a page that was in memory has another mapping or is clean.
    release_unmapped(*region.backing, index);
    return lib::fail(lib::Error::no_memory);
  }
  if (region.permissions.allows(Access::execute)) space.code_changed();
  count(VmEvent::fault_file_page);
  if (region.sharing == Sharing::private_copy && access == Access::write) {
    return break_sharing(space, region, Cursor::walk(TableMemory{}, space.root_, page), page, sleep);
  }
  return {};
}

/// Maps the frame of a file's page, with the rights that it can have for now. False: no memory for the tables.
/// (Apart, since what follows may sleep: a kernel stack has no room for a batch then.)
[[gnu::noinline]] bool Faults::show_file_page(AddressSpace& space, Region& region, VirtAddr page, Ppn frame,
                                              Access access) {
  const VirtRange range = VirtRange::pages(page.floor(), 1);
  TableEdit edit = space.edit();
  if (!edit.reserve_tables(range)) return false;
  edit.link_tables(range);
  Pages::note_tables(space, page, page + sv39::page_size);
  region.note_populated(page, page + sv39::page_size);

  const Permissions rights = region.permissions.user();
  Pte leaf;
  if (region.sharing == Sharing::private_copy) {
    leaf = Pte::leaf(frame, rights).as_copy_on_write();
  } else if (access == Access::write) {
    region.backing->mark_dirty(region.file_page(page));
    leaf = Pte::leaf(frame, rights);
  } else {
    leaf = Pte::leaf(frame, rights.without_write());
  }
  edit.put(page, leaf);
  return true;
}

}  // namespace mm
