// SPDX-License-Identifier: MIT
#include "dev/pci_host.hpp"

#include <algorithm>

#include "dev/cells.hpp"

namespace dev {

namespace {

// A PCI address is three cells; the first holds the kind of space, and bus, device and function (2.2.1.1).
constexpr u32 address_cells = 3, size_cells = 2;
constexpr u32 space_kind = 0x03000000, memory_32 = 0x02000000;
constexpr u32 device_shift = 11;
constexpr u32 pin_bits = 7;

/// Device number (bits 15:11 of the first cell) and pin as one number.
u32 pack(u64 first_cell, u64 pin) {
  return static_cast<u32>((first_cell >> device_shift & 0x1f) << 3 | (pin & pin_bits));
}

void read_memory_window(const PciHostNode& node, PciHost& host) {
  const u32 entry_cells = address_cells + node.parent_address_cells + size_cells;
  for (usize at = 0; at + 4 * usize{entry_cells} <= node.ranges.size(); at += 4 * usize{entry_cells}) {
    if ((word_at(node.ranges, at) & space_kind) != memory_32 || host.memory.size != 0) continue;
    host.memory = {
        .base = *cells_at(node.ranges, at + 4 * address_cells, node.parent_address_cells),
        .size = *cells_at(node.ranges, at + 4 * usize{address_cells + node.parent_address_cells}, size_cells),
        .bus_address = *cells_at(node.ranges, at + 4, 2)};
  }
}

/// Entries: PCI address, pin, then the controller's phandle, address and one cell of interrupt number (Devicetree
/// Specification 0.4, 2.4.3). An entry for another controller ends the reading: its length is not known.
void read_interrupt_map(const PciHostNode& node, const PciInterruptParent& controller, PciHost& host) {
  if (node.interrupt_map_mask.size() < 16) return;
  host.interrupt_mask = pack(word_at(node.interrupt_map_mask, 0), word_at(node.interrupt_map_mask, 12));
  const usize entry_bytes = 4 * (usize{address_cells} + 1 + 1 + controller.address_cells + 1);
  for (usize at = 0; at + entry_bytes <= node.interrupt_map.size(); at += entry_bytes) {
    if (host.interrupt_count == PciHost::max_interrupts) return;
    if (word_at(node.interrupt_map, at + 16) != controller.phandle) return;
    host.interrupts[host.interrupt_count++] = {
        .device_and_pin =
            pack(word_at(node.interrupt_map, at), word_at(node.interrupt_map, at + 12)) & host.interrupt_mask,
        .source = word_at(node.interrupt_map, at + entry_bytes - 4)};
  }
}

}  // namespace

std::optional<u32> PciHost::interrupt_of(u32 device, u32 pin) const {
  if (pin == 0 || pin > 4) return std::nullopt;
  const u32 wanted = (device << 3 | pin) & interrupt_mask;
  for (u32 i = 0; i < interrupt_count; ++i) {
    if (interrupts[i].device_and_pin == wanted && interrupts[i].source != 0) return interrupts[i].source;
  }
  return std::nullopt;
}

PciHost read_pci_host(const PciHostNode& node, const PciInterruptParent& controller) {
  PciHost host;
  if (node.parent_address_cells > 2 || node.parent_size_cells > 2 || controller.address_cells > 2) return host;
  const auto base = cells_at(node.reg, 0, node.parent_address_cells);
  const auto size = cells_at(node.reg, 4 * usize{node.parent_address_cells}, node.parent_size_cells);
  if (!base || !size || node.parent_address_cells == 0 || node.parent_size_cells == 0) return host;
  host.ecam_base = *base;
  host.ecam_size = *size;
  host.last_bus = 0xff;
  if (node.bus_range.size() >= 8) {
    host.first_bus = std::min(word_at(node.bus_range, 0), u32{0xff});
    host.last_bus = std::min(word_at(node.bus_range, 4), u32{0xff});
  }
  read_memory_window(node, host);
  read_interrupt_map(node, controller, host);
  return host;
}

}  // namespace dev
