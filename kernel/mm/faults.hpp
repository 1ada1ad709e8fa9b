// SPDX-License-Identifier: MIT
#pragma once
// The one resolver of faults, of programs and of copies on their behalf.

#include "mm/address_space.hpp"

namespace mm {

enum class Sleep : u32 { allowed, forbidden };

class Faults {
 public:
  /// Makes the page at `va` present with the right to `access`. bad_address: the program has none there; no_memory;
  /// needs_page_in: where sleep is forbidden.
  [[nodiscard]] static lib::Status resolve(AddressSpace& space, VirtAddr va, Access access, Sleep sleep);

 private:
  [[nodiscard]] static lib::Status demand_zero(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page);
  static void populate_ahead(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page);
  [[nodiscard]] static lib::Status demand_zero_and_tables(AddressSpace& space, Region& region, VirtAddr page);
  [[nodiscard]] static lib::Status resolve_present(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page,
                                                   Access access, Sleep sleep);
  [[nodiscard]] static lib::Status break_sharing(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page,
                                                 Sleep sleep);
  static void split_megapage(AddressSpace& space, VirtAddr page);
  [[nodiscard]] static lib::Status copy_page_for(AddressSpace& space, Region& region, sv39::Slot slot, VirtAddr page);
  [[nodiscard]] static lib::Status map_file_page(AddressSpace& space, Region& region, VirtAddr page, Access access,
                                                 Sleep sleep);
  [[nodiscard]] static bool show_file_page(AddressSpace& space, Region& region, VirtAddr page, Ppn frame,
                                           Access access);
};

}  // namespace mm
