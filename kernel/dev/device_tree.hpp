// SPDX-License-Identifier: MIT
#pragma once
// A small reader of flattened device trees (Devicetree Specification 0.4, chapter 5). Bounds-checked and free of the
// target: the host fuzzes it against libfdt. It copies what the kernel needs; afterwards the blob's memory is free.

#include <array>
#include <span>
#include <string_view>

#include "dev/pci_host.hpp"
#include "lib/types.hpp"

namespace dev {

/// What the device tree says that the machine consists of. Addresses are physical. Zero means: not there. Nothing here
/// is believed yet: machine_plan.hpp decides what of it is used.
struct MachineDescription {
  struct Region {
    u64 base = 0;
    u64 size = 0;
  };
  struct Hart {
    u32 id = 0;                 ///< reg of the cpu node
    u32 interrupt_phandle = 0;  ///< its interrupt controller
    u32 plic = no_index;        ///< index in `plics` of the one that interrupts it, and in which context of S-mode
    u32 plic_context = no_index;
    Region software_interrupt;  ///< its msip register (CLINT or ACLINT)
    Region timer_compare;       ///< its mtimecmp register
  };
  struct Plic {
    Region registers;
    u32 sources = 0;  ///< riscv,ndev
    u32 phandle = 0;
  };
  /// A device with one register block and one interrupt line.
  struct Device {
    Region registers;
    u32 interrupt = 0;  ///< 0: none
    u32 plic = 0;       ///< index in `plics` of the controller that the line goes to
  };
  static constexpr usize max_harts = 64, max_virtio = 32, max_bootargs = 256, max_plic_contexts = 128, max_plics = 8,
                         max_banks = 16, max_sources = 128;
  static constexpr u32 no_index = ~0U;

  std::array<Region, max_banks> memory{};  ///< the banks of RAM, as listed
  u32 memory_count = 0;
  u32 device_tree_size = 0;                ///< the size that the blob's header claims
  std::array<Hart, max_harts> harts{};
  u32 hart_count = 0;
  bool has_sstc = false;                   ///< every hart's isa string names sstc
  u64 timebase_frequency = 0;              ///< ticks of the time CSR per second
  Device uart;
  std::array<Plic, max_plics> plics{};
  u32 plic_count = 0;
  Region finisher;                         ///< sifive,test*: power off
  std::array<Device, max_virtio> virtio{};
  u32 virtio_count = 0;
  PciHost pci;                             ///< PCI Express, if the machine has it
  std::array<char, max_bootargs> bootargs{};  ///< NUL-terminated, cut if longer

  [[nodiscard]] std::string_view boot_arguments() const { return bootargs.data(); }
};

enum class DeviceTreeError : u32 {
  none,
  too_small,        ///< not even a header
  bad_magic,
  bad_version,      ///< last compatible version is not 16 or 17's
  bad_layout,       ///< a block lies outside the blob
  bad_structure,    ///< tokens, names or properties run out of their block, or nest wrongly or too deep
  no_memory,        ///< no memory node with a reg
  no_harts,
  no_timebase,
  no_uart,
  no_plic,
};

/// The error in words, naming the missing or broken part.
[[nodiscard]] std::string_view describe(DeviceTreeError error);

/// The size that the header claims, if these first bytes are a header (at least 8 are needed); otherwise 0.
[[nodiscard]] u32 device_tree_size(std::span<const std::byte> header);

/// Reads a blob. Never reads outside the span, whatever it contains. `machine` is complete if the result is `none`;
/// otherwise it holds what was found.
[[nodiscard]] DeviceTreeError read_device_tree(std::span<const std::byte> blob, MachineDescription& machine);

}  // namespace dev
