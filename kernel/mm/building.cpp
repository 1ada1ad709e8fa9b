// SPDX-License-Identifier: MIT
// Building a program: exec's segments and its stack.
#include "mm/address_space.hpp"
#include "mm/kernel_space.hpp"
#include "mm/pages.hpp"

namespace mm {

class Building {
 public:
  [[nodiscard]] static lib::Result<void> add_segment(AddressSpace& space, VirtAddr begin, VirtAddr end,
                                                     Permissions permissions);
  /// The last page of a segment gets the rights of a second segment in addition. Cannot fail; there is room.
  static void share_page(AddressSpace& space, VirtAddr page, Permissions permissions);
};

namespace {

Permissions both(Permissions a, Permissions b) {
  const bool writable = a.allows(Access::write) || b.allows(Access::write);
  const bool executable = a.allows(Access::execute) || b.allows(Access::execute);
  const bool readable = a.allows(Access::read) || b.allows(Access::read);
  if (writable) return executable ? Permissions::read_write_execute() : Permissions::read_write();
  if (executable) return readable ? Permissions::read_execute() : Permissions::execute_only();
  return Permissions::read_only();
}

}  // namespace

lib::Result<void> AddressSpace::map_segment(VirtAddr begin, u64 bytes, Permissions permissions) {
  if (bytes == 0) return {};
  if (begin.value() >= limit_ || bytes > limit_ - begin.value()) {
    return lib::fail(lib::Error::invalid_argument);
  }
  VirtAddr first = begin.floor().address();
  const VirtAddr end = (begin + bytes).ceil().address();
  if (!regions_.has_room(3)) return lib::fail(lib::Error::too_big);
  if (regions_.any_in(first, end)) {
    // Segments need not begin on a page of their own: one page may be the end of the last and the start of this one.
    Region* neighbour = regions_.find(first);
    if (neighbour == nullptr || neighbour->kind != RegionKind::segment || neighbour->end != first + sv39::page_size ||
        regions_.any_in(neighbour->end, end)) {
      return lib::fail(lib::Error::invalid_argument);
    }
    const VirtAddr shared = first;
    first = first + sv39::page_size;
    if (first < end) LIB_TRY(Building::add_segment(*this, first, end, permissions));
    Building::share_page(*this, shared, permissions);
  } else {
    LIB_TRY(Building::add_segment(*this, first, end, permissions));
  }
  if (begin.value() + bytes > break_) break_ = begin.value() + bytes;
  return {};
}

lib::Result<void> Building::add_segment(AddressSpace& space, VirtAddr begin, VirtAddr end, Permissions permissions) {
  const Region region{.begin = begin, .end = end, .kind = RegionKind::segment, .permissions = permissions};
  return Pages::populate_region(space, space.regions_.insert(region));
}

void Building::share_page(AddressSpace& space, VirtAddr page, Permissions permissions) {
  u32 index = space.regions_.first_above(page);
  if (space.regions_[index].begin < page) index = space.regions_.cut(index, page);
  Region& region = space.regions_[index];
  region.permissions = both(region.permissions, permissions);
  TableEdit edit = space.edit();
  edit.protect(VirtRange::pages(page.floor(), 1), region.permissions.user());
}

std::span<std::byte> AddressSpace::loaded_bytes(VirtAddr va) {
  if (va.value() >= limit_ || regions_.find(va) == nullptr) return {};
  Cursor cursor = this->cursor();
  sv39::Mapping mapping = cursor.query(va);
  if (!mapping.is_mapped() || !mapping.pte.is_user()) return {};
  auto* bytes = static_cast<std::byte*>(arch::to_kernel(mapping.pte.ppn().address()));
  const u64 offset = va.offset_in(mapping.level);
  return {bytes + offset, sv39::page_size - va.page_offset()};
}

lib::Result<VirtAddr> AddressSpace::map_stack(u32 guard_pages, u32 stack_pages) {
  const VirtAddr guard = VirtAddr(break_).ceil().address();
  const VirtAddr stack = guard + guard_pages * sv39::page_size;
  const VirtAddr top = stack + stack_pages * sv39::page_size;
  if (top.value() > limit_ || regions_.any_in(guard, top)) return lib::fail(lib::Error::invalid_argument);
  if (!regions_.has_room(2)) return lib::fail(lib::Error::too_big);

  const VirtRange whole = *VirtRange::between(guard, top);
  FrameReservation pages;
  TableEdit edit = this->edit();
  if (!edit.reserve_tables(whole)) return lib::fail(lib::Error::no_memory);
  LIB_TRY(pages.add(stack_pages, FrameState::user, Zero::yes));
  edit.link_tables(whole);
  Pages::note_tables(*this, guard, top);
  // A leaf without U, and without R and W: neither the program nor a copy by the kernel can get through it.
  for (VirtAddr va = guard; va < stack; va = va + sv39::page_size) {
    frames().ref(kernel_space().guard_frame());
    edit.put(va, Pte::leaf(kernel_space().guard_frame(), Permissions::execute_only()));
  }
  const Permissions rights = Permissions::read_write().user();
  edit.put_all(*VirtRange::between(stack, top), [&](u64) { return Pte::leaf(pages.take(), rights); });

  if (guard < stack) {
    Region below{.begin = guard, .end = stack, .kind = RegionKind::guard, .inaccessible = true};
    below.note_populated(guard, stack);
    regions_.insert(below);
  }
  Region region{.begin = stack, .end = top, .kind = RegionKind::stack, .permissions = Permissions::read_write()};
  region.note_populated(stack, top);
  regions_.insert(region);
  break_ = top.value();
  return top;
}

}  // namespace mm
