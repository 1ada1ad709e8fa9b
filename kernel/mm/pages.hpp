// SPDX-License-Identifier: MIT
#pragma once
// The pages of regions: put into the table and taken out of it, for the operations of an address space.

#include "mm/address_space.hpp"

namespace mm {

class Pages {
 public:
  /// Work on more than this is cut into parts, between which others may run (sched::give_way): a part takes
  /// about a millisecond. Between two of them the space is as the region list says, and the invariants hold.
  static constexpr u64 part_bytes = u64{4} << 20;
  /// work(from, to) for each part of [begin, end), with a chance for others between two of them. A part ends between
  /// two megapages, unless it is the last. Ends with false as soon as work() says false; what was done before stays.
  template <class Work>
  [[nodiscard]] static bool in_parts(VirtAddr begin, VirtAddr end, Work&& work);
  /// Whether memory has the frames for every page of [begin, end), where nothing is mapped, and for their tables. Asked
  /// before work that goes in parts: one that failed on the way would leave the tables of those before it behind.
  [[nodiscard]] static bool has_room_for(AddressSpace& space, VirtAddr begin, VirtAddr end);
  /// Reserves tables and zeroed frames for the absent pages [begin, end) and maps them; all or nothing.
  [[nodiscard]] static lib::Result<void> populate(AddressSpace& space, VirtAddr begin, VirtAddr end,
                                                  Permissions permissions);
  /// populate() for all of a region that is in the list, in parts; if memory runs out the region is gone.
  [[nodiscard]] static lib::Result<void> populate_region(AddressSpace& space, Region& region);
  /// Tables exist now for [begin, end): remembered so that the end of the space need not search for them.
  static void note_tables(AddressSpace& space, VirtAddr begin, VirtAddr end);
  /// Clears the pages of [begin, end), a part of `region`, with all fences done when it returns.
  static void unmap(AddressSpace& space, Region& region, VirtAddr begin, VirtAddr end);
  /// Ends all regions, or their parts, in [begin, end). May leave one region more than before (a hole in the middle).
  static void erase(AddressSpace& space, VirtAddr begin, VirtAddr end);
  /// Takes the pages [begin, end) of a region of a dead space out of the table, without fences.
  static void drop(AddressSpace& space, Region& region, VirtAddr begin, VirtAddr end, Cursor& cursor,
                   TableSource& tables);
  /// If the 2 MiB that end with `page`, which is mapped, belong to the region and are by now contiguous frames of equal
  /// rights, they become one megapage. The last frame tells in most cases that they are not.
  static void promote_if_full(AddressSpace& space, const Region& region, VirtAddr page);
  /// Index of the lowest mmap region, size() if there is none. Mappings are placed from the top down and program memory
  /// grows from below, so they are the last in the list.
  [[nodiscard]] static u32 first_mapping(const AddressSpace& space);
  /// Lowest address of an mmap region, or of what no region may reach.
  [[nodiscard]] static VirtAddr lowest_mapping(const AddressSpace& space);

 private:
  /// File pages that are out of the table and not yet released.
  struct ReleasedPages {
    static constexpr u32 capacity = 32;
    static constexpr u64 batch_bytes = capacity * sv39::page_size;
    u64 index[capacity];  ///< in the file
    u32 count = 0;
  };
  [[nodiscard]] static bool unmap_single_page(AddressSpace& space, const Region& region, VirtAddr page);
  static void unmap_by_parts(AddressSpace& space, Region& region, VirtAddr begin, VirtAddr end);
  static void unmap_part(AddressSpace& space, VirtAddr begin, VirtAddr end);
  static void unmap_file_pages(AddressSpace& space, Region& region, VirtAddr begin, VirtAddr end);
  static void clear_file_pages(AddressSpace& space, const Region& region, VirtRange range, ReleasedPages& released);
};

template <class Work>
bool Pages::in_parts(VirtAddr begin, VirtAddr end, Work&& work) {
  while (begin < end) {
    const VirtAddr stop = end - begin <= part_bytes ? end : (begin + part_bytes).align_down(Level::mega);
    if (!work(begin, stop)) return false;
    begin = stop;
    if (begin < end) sched::give_way();
  }
  return true;
}

}  // namespace mm
