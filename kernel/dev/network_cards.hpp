// SPDX-License-Identifier: MIT
#pragma once
// Which network cards there are, and which one the kernel uses.

#include <span>

#include "dev/device_tree.hpp"
#include "dev/network_device.hpp"

namespace dev {

/// Looks for a card on PCI Express and gives it its addresses. Registers are reached at their physical address plus
/// `offset`: for the boot, before kernel space is built. Returns the windows that the kernel has to map for it: none,
/// if there is no card.
[[nodiscard]] std::span<const MachineDescription::Region> find_pci_network_card(u64 offset);

/// Starts the first card that works: an e1000 on PCI Express, else a virtio-net; null if there is none. Says on the
/// console what it found, and what it cannot use and why.
[[nodiscard]] NetworkDevice* start_network_card();

}  // namespace dev
