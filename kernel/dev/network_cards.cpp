// SPDX-License-Identifier: MIT
#include "dev/network_cards.hpp"

#include <array>

#include "arch/port.hpp"
#include "arch/riscv64/pci_address.hpp"
#include "arch/riscv64/probe.hpp"
#include "dev/e1000.hpp"
#include "dev/machine.hpp"
#include "dev/mmio.hpp"
#include "dev/pci.hpp"
#include "dev/virtio_net.hpp"
#include "lib/format.hpp"

namespace dev {

namespace {

/// Configuration space as registers: 4 KiB for each function of a bus.
struct Ecam {
  u64 base;

  [[nodiscard]] u64 address(pci::Function at, u32 offset) const {
    return base + (u64{at.device} << 15 | u64{at.function} << 12 | offset);
  }
  template <class Word>
  [[nodiscard]] Word read(pci::Function at, u32 offset) const {
    return mmio_read<Word>(address(at, offset));
  }
  void write(pci::Function at, u32 offset, u32 value) const { mmio_write<u32>(address(at, offset), value); }
};

constexpr u32 e1000_id = 0x100e'8086;  // 82540EM

/// The card that was found on PCI Express, before it is started.
struct PciCard {
  pci::Function at;
  pci::Registers registers;
  u32 interrupt = 0;  // 0: the tree names none
};
PciCard pci_card;
u32 pci_cards = 0;  // found in all; only the first is used
std::array<MachineDescription::Region, 2> windows;  // configuration space and registers

void say_address(const NetworkDevice& card) {
  const auto& mac = card.address().bytes;
  lib::print("network: {}, address {:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}\n", card.name(), mac[0], mac[1], mac[2],
             mac[3], mac[4], mac[5]);
}

NetworkDevice* start_pci_card() {
  if (pci_cards == 0) return nullptr;
  if (pci_card.registers.size == 0) {
    lib::print("network: e1000: no room for its registers; not used\n");
    return nullptr;
  }
  if (pci_card.interrupt == 0) {
    lib::print("network: e1000: the device tree names no interrupt for it; not used\n");
    return nullptr;
  }
  return start_e1000(arch::pci_address(pci_card.registers.base), pci_card.interrupt);
}

}  // namespace

std::span<const MachineDescription::Region> find_pci_network_card(u64 offset) {
  const PciHost& host = machine().pci;
  constexpr u64 bytes_per_bus = u64{1} << 20;
  if (host.ecam_base == 0 || host.ecam_size < bytes_per_bus || !arch::probe_word(offset + host.ecam_base)) return {};
  const Ecam config{offset + host.ecam_base};  // its beginning is the first bus of the range
  pci::MemoryWindow window(host.memory);
  pci::scan(config, [&](pci::Function at, u32 id) {
    if (id != e1000_id || ++pci_cards != 1) return;
    pci_card.at = at;
    pci_card.interrupt = host.interrupt_of(at.device, config.read<u8>(at, pci::config::interrupt_pin)).value_or(0);
    if (const auto placed = pci::place(config, at, window)) pci_card.registers = *placed;
  });
  if (pci_cards == 0 || pci_card.registers.size == 0) return {};
  pci::enable(config, pci_card.at);
  windows = {{{host.ecam_base, host.ecam_size}, {pci_card.registers.base, pci_card.registers.size}}};
  return windows;
}

NetworkDevice* start_network_card() {
  NetworkDevice* card = start_pci_card();
  const u32 virtio_cards = count_virtio_net();
  if (card == nullptr && virtio_cards != 0) card = start_virtio_net();
  if (card == nullptr) return nullptr;
  say_address(*card);
  if (pci_cards + virtio_cards > 1) {
    lib::print("network: {} cards; the others are not used\n", pci_cards + virtio_cards);
  }
  return card;
}

}  // namespace dev
