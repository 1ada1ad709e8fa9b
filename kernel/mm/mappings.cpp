// SPDX-License-Identifier: MIT
// mmap and munmap.
#include "mm/address_space.hpp"
#include "mm/pages.hpp"

#include <algorithm>

namespace mm {

class Mappings {
 public:
  /// The highest gap of `bytes` below the fixed pages, above the break.
  [[nodiscard]] static lib::Result<VirtAddr> place(const AddressSpace& space, u64 bytes);
  [[nodiscard]] static lib::Result<VirtAddr> add(AddressSpace& space, u64 bytes, Region region);
  /// Stores to files' pages in [begin, end) reach the files, while an error can be answered and nothing is undone.
  [[nodiscard]] static lib::Result<void> write_back(AddressSpace& space, VirtAddr begin, VirtAddr end);

 private:
  template <class Visitor>
  static bool any_file_page(AddressSpace& space, VirtAddr begin, VirtAddr end, Visitor&& visit);
};

lib::Result<VirtAddr> Mappings::place(const AddressSpace& space, u64 bytes) {
  u64 top = space.limit_;
  for (u32 i = space.regions_.size(); i > 0; --i) {
    const Region& region = space.regions_[i - 1];
    if (!region.is_mmap()) break;
    if (top - region.end.value() >= bytes) return VirtAddr(top - bytes);
    top = region.begin.value();
  }
  // One page stays free above the break, so that running off the heap's end is a fault.
  const u64 floor = VirtAddr(space.break_).ceil().address().value() + sv39::page_size;
  if (top < floor || top - floor < bytes) return lib::fail(lib::Error::no_memory);
  return VirtAddr(top - bytes);
}

lib::Result<VirtAddr> Mappings::add(AddressSpace& space, u64 bytes, Region region) {
  if (bytes == 0 || bytes > space.limit_) return lib::fail(lib::Error::invalid_argument);
  bytes = VirtAddr(bytes).ceil().address().value();
  if (!space.regions_.has_room(1)) return lib::fail(lib::Error::limit_reached);
  region.begin = LIB_TRY(place(space, bytes));
  region.end = region.begin + bytes;
  space.regions_.insert(region);
  if (region.backing != nullptr) region.backing->hold();
  return region.begin;
}

lib::Result<VirtAddr> AddressSpace::map_anonymous(u64 bytes, Permissions permissions, Sharing sharing) {
  const VirtAddr begin = LIB_TRY(Mappings::add(
      *this, bytes, Region{.kind = RegionKind::anonymous, .sharing = sharing, .permissions = permissions}));
  if (sharing == Sharing::private_copy) return begin;
  // Shared anonymous memory has no file in which a child could find a page that is touched after fork: it is all
  // there from the beginning.
  Region& region = *regions_.find(begin);
  LIB_TRY(Pages::populate_region(*this, region));
  return begin;
}

lib::Result<VirtAddr> AddressSpace::map_file(u64 bytes, Permissions permissions, Sharing sharing, FileBacking& backing,
                                             u64 offset) {
  if (offset % sv39::page_size != 0 || offset + bytes < offset) return lib::fail(lib::Error::invalid_argument);
  return Mappings::add(*this, bytes,
                       Region{.kind = RegionKind::file,
                              .sharing = sharing,
                              .permissions = permissions,
                              .backing = &backing,
                              .first_page = offset / sv39::page_size});
}

lib::Result<VirtAddr> AddressSpace::map_inaccessible(u64 bytes) {
  return Mappings::add(*this, bytes, Region{.kind = RegionKind::anonymous, .inaccessible = true});
}

/// Calls visit(backing, page) for each page of a file that is mapped in [begin, end); true ends it. Whether one did.
template <class Visitor>
bool Mappings::any_file_page(AddressSpace& space, VirtAddr begin, VirtAddr end, Visitor&& visit) {
  for (u32 i = space.regions_.first_above(begin); i < space.regions_.size() && space.regions_[i].begin < end; ++i) {
    const Region& region = space.regions_[i];
    if (region.backing == nullptr) continue;
    const VirtAddr to = std::min(end, region.populated_end);
    for (VirtAddr va = std::max(begin, region.populated_begin); va < to;) {
      const sv39::Slot slot = Cursor::walk(TableMemory{}, space.root_, va);
      const bool is_files = slot.pte.is_leaf() && frames().state(slot.pte.ppn()) == FrameState::file;
      if (is_files && visit(*region.backing, region.file_page(va))) return true;
      va = va.align_down(slot.level) + sv39::bytes_of(slot.level);  // where no table is, there is no page either
    }
  }
  return false;
}

lib::Result<void> Mappings::write_back(AddressSpace& space, VirtAddr begin, VirtAddr end) {
  lib::Result<void> result;
  u64 done = 0;
  const bool failed = any_file_page(space, begin, end, [&](FileBacking& backing, u64 page) {
    result = backing.write_back(page);
    ++done;
    return !result;
  });
  // The mappings stay, and may be written through without a fault. A mark too many costs a write, one too few the
  // bytes.
  if (failed) {
    (void)any_file_page(space, begin, end, [&](FileBacking& backing, u64 page) {
      backing.mark_dirty(page);
      return --done == 0;
    });
  }
  return result;
}

lib::Result<void> AddressSpace::unmap(VirtAddr begin, u64 bytes) {
  if (!begin.is_page_aligned() || bytes == 0 || begin.value() >= limit_ || bytes > limit_ - begin.value()) {
    return lib::fail(lib::Error::invalid_argument);
  }
  const VirtAddr end = (begin + bytes).ceil().address();
  bool any = false;
  for (u32 i = regions_.first_above(begin); i < regions_.size() && regions_[i].begin < end; ++i) {
    const Region& region = regions_[i];
    if (!region.is_mmap()) return lib::fail(lib::Error::invalid_argument);
    any = true;
    // A hole in the middle makes one region two.
    if (region.begin < begin && region.end > end && !regions_.has_room(1)) return lib::fail(lib::Error::limit_reached);
  }
  if (!any) return lib::fail(lib::Error::invalid_argument);
  LIB_TRY(Mappings::write_back(*this, begin, end));
  Pages::erase(*this, begin, end);
  return {};
}

}  // namespace mm
