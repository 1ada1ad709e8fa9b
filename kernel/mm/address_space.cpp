// SPDX-License-Identifier: MIT
#include "mm/address_space.hpp"

#include <algorithm>
#include <new>

#include "lib/bug.hpp"
#include "mm/kernel_space.hpp"
#include "mm/pages.hpp"
#include "mm/space_list.hpp"

namespace mm {

namespace {

/// The pages at the top of every user table: USYSCALL, which a space may be without, TRAPFRAME and TRAMPOLINE.
constexpr u64 fixed_begin = abi::usyscall;
constexpr u64 fixed_pages = 3;

/// The topmost of a program's gigabytes, in which they are.
constexpr VirtAddr fixed_gigabyte() { return VirtAddr(fixed_begin).align_down(Level::giga); }

VirtRange fixed_range() { return VirtRange::pages(VirtAddr(fixed_begin).floor(), fixed_pages); }

}  // namespace

class FixedPages {
 public:
  [[nodiscard]] static lib::Result<void> map(AddressSpace& space);
  static void unmap(AddressSpace& space);
};

lib::Result<void> FixedPages::map(AddressSpace& space) {
  TableEdit edit = space.edit();
  if (!edit.reserve_tables(fixed_range())) return lib::fail(lib::Error::no_memory);
  edit.link_tables(fixed_range());
  // No hart has seen this table: nothing is owed a fence.
  if (space.owner_.has_usyscall()) {
    edit.cursor.put(VirtAddr(abi::usyscall), Pte::leaf(space.owner_.usyscall, Permissions::read_only().user()));
    frames().ref(space.owner_.usyscall);
  }
  edit.cursor.put(VirtAddr(abi::trapframe), Pte::leaf(space.owner_.trapframe, Permissions::read_write()));
  edit.cursor.put(VirtAddr(abi::trampoline),
                  Pte::leaf(kernel_space().trampoline().floor(), Permissions::read_execute()));
  frames().ref(space.owner_.trapframe);
  return {};
}

void FixedPages::unmap(AddressSpace& space) {
  Cursor cursor = space.cursor();
  for (VirtAddr va(space.limit_); va < fixed_range().end(); va = va + sv39::page_size) cursor.put(va, Pte());
  if (space.owner_.has_usyscall()) frames().unref(space.owner_.usyscall);
  frames().unref(space.owner_.trapframe);
}

// Making and ending.

lib::Result<AddressSpace*> AddressSpace::create(const SpaceOwner& owner) {
  const Ppn home = LIB_TRY(frames().allocate(FrameState::kernel));
  auto root = frames().allocate(FrameState::table, Zero::yes);
  if (!root) {
    frames().free(home);
    return lib::fail(root.error());
  }
  frames().record(*root).table().clear();

  auto* space = new (frame_bytes(home)) AddressSpace();
  space->root_ = *root;
  space->owner_ = owner;
  space->high_tables_begin_ = VirtAddr(fixed_begin);
  if (!owner.has_usyscall()) space->limit_ = abi::trapframe;
  auto attached = View::attach(space->view_, *root, owner);
  if (attached) {
    if (auto mapped = FixedPages::map(*space); mapped) {
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

void AddressSpace::destroy(AddressSpace* space) {
  // No hart runs on it, and its ASID is never used again without a fence of everything (AsidAllocator): what the
  // TLBs still hold of it cannot be reached, so nothing has to be fenced.
  space->release_memory();
  TableSource tables(space->spares_);
  Cursor cursor = space->cursor();
  space->release_low_tables(cursor, tables);
  for (Region& region : space->regions_) {
    if (region.backing != nullptr) region.backing->drop();
  }
  remove_from_all_spaces(*space);  // until here the release of a file's page may have slept
  FixedPages::unmap(*space);

  space->release_tables(fixed_gigabyte(), cursor, tables);
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
    (void)Pages::in_parts(region.populated_begin, region.populated_end, [&](VirtAddr begin, VirtAddr end) {
      Pages::drop(*this, region, begin, end, cursor, tables);
      return true;
    });
    region.populated_begin = region.populated_end = VirtAddr();
  }
}

/// The part of this gigabyte in which there may be tables.
VirtRange AddressSpace::tables_in(VirtAddr gigabyte) const {
  const VirtAddr end = gigabyte + sv39::bytes_of(Level::giga);
  const VirtAddr from = low_tables_end_ > gigabyte ? gigabyte : std::max(gigabyte, high_tables_begin_);
  const VirtAddr to = high_tables_begin_ < end ? end : std::min(low_tables_end_, end);
  return from < to ? *VirtRange::between(from, to) : VirtRange();
}

/// All tables of a gigabyte but the root, in one go: the node that they hang from is freed with them.
void AddressSpace::release_tables(VirtAddr gigabyte, Cursor& cursor, TableSource& tables) {
  if (cursor.free_tables(tables_in(gigabyte), tables)) {
    lib::bug("address space ends with a page mapped outside its regions");
  }
}

/// Those below the fixed pages' gigabyte. Others may run after each gigabyte that held much.
void AddressSpace::release_low_tables(Cursor& cursor, TableSource& tables) {
  for (VirtAddr at; at < fixed_gigabyte();) {
    const bool is_much = tables_in(at).bytes() > Pages::part_bytes;
    release_tables(at, cursor, tables);
    if (is_much) sched::give_way();
    at = at + sv39::bytes_of(Level::giga);
    if (at >= low_tables_end_) at = std::max(at, high_tables_begin_.align_down(Level::giga));
  }
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
