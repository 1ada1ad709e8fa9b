// SPDX-License-Identifier: MIT
#pragma once
// Where the kernel sees what belongs to PCI Express.

#include "arch/riscv64/layout.hpp"

namespace arch {

/// As device_address(), for PCI Express, whose configuration space alone is 128 megapages. In `mirrored` each process's
/// table has the kernel's entries of the first gigabyte one by one, so that nothing large may lie there: what does is
/// seen LAYOUT_LOW_DEVICE_ALIAS higher.
[[nodiscard]] constexpr u64 pci_address(u64 physical) {
#if defined(BIFOLIUM_VIEW_MIRRORED)
  constexpr u64 first_gigabyte = u64{1} << 30;
  if (physical < first_gigabyte) return physical + LAYOUT_LOW_DEVICE_ALIAS;
#endif
  return device_address(physical);
}

}  // namespace arch
