// SPDX-License-Identifier: MIT
#pragma once
// What the device tree says of PCI Express (node `pci-host-ecam-generic`, PCI Bus Binding to IEEE 1275-1994). Free of
// the target.

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "lib/types.hpp"

namespace dev {

struct PciHost {
  struct Window {
    u64 base = 0;  ///< where the processor sees it
    u64 size = 0;
    u64 bus_address = 0;  ///< what devices call the same place
  };
  struct Interrupt {
    u32 device_and_pin = 0;  ///< masked as below: device number << 3 | pin
    u32 source = 0;          ///< of the PLIC
  };
  static constexpr usize max_interrupts = 32;

  u64 ecam_base = 0;  ///< configuration space; 0: no PCI
  u64 ecam_size = 0;
  u32 first_bus = 0, last_bus = 0;
  Window memory;  ///< the window for 32-bit memory addresses
  u32 interrupt_mask = 0;
  std::array<Interrupt, max_interrupts> interrupts{};
  u32 interrupt_count = 0;

  /// The PLIC source of a device's pin (1 to 4), if the tree names one.
  [[nodiscard]] std::optional<u32> interrupt_of(u32 device, u32 pin) const;
};

/// The properties of the node, as they lie in the tree.
struct PciHostNode {
  std::span<const std::byte> reg, bus_range, ranges, interrupt_map, interrupt_map_mask;
  u32 parent_address_cells = 2, parent_size_cells = 2;  ///< of the node that it lies in
};

/// The interrupt controller that the map names: other entries cannot be read.
struct PciInterruptParent {
  u32 phandle = 0;
  u32 address_cells = 0;
};

/// Reads the node. Never outside the spans, whatever they hold; what cannot be read is left at zero.
[[nodiscard]] PciHost read_pci_host(const PciHostNode& node, const PciInterruptParent& controller);

}  // namespace dev
