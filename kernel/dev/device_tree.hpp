#pragma once
// A small reader of flattened device trees (Devicetree Specification 0.4, chapter 5). Bounds-checked and free of the
// target: the host fuzzes it against libfdt. It copies what the kernel needs; afterwards the blob's memory is free.

#include <array>
#include <span>
#include <string_view>

#include "dev/pci_host.hpp"
#include "lib/types.hpp"

namespace dev {

/// What the machine consists of. Addresses are physical. Zero means: not there.
struct MachineDescription {
  struct Hart {
    u32 id = 0;               ///< reg of the cpu node
    u32 interrupt_phandle = 0;///< its interrupt controller
  };
  struct Region {
    u64 base = 0;
    u64 size = 0;
  };
  struct VirtioSlot {
    Region registers;
    u32 interrupt = 0;
  };
  static constexpr usize max_harts = 64, max_virtio = 32, max_bootargs = 256, max_plic_contexts = 128;
  static constexpr u32 no_context = ~0U;

  Region memory;                           ///< the first bank of RAM
  Region device_tree;                      ///< where the blob itself lies (size only: base is the caller's)
  std::array<Hart, max_harts> harts{};
  u32 hart_count = 0;
  bool has_sstc = false;                   ///< every hart's isa string names sstc
  u64 timebase_frequency = 0;              ///< ticks of the time CSR per second
  Region uart;
  u32 uart_interrupt = 0;
  Region plic;
  std::array<u32, max_harts> plic_context{};  ///< S-mode context of harts[i], or no_context
  u32 plic_sources = 0;                    ///< riscv,ndev
  Region clint;
  Region finisher;                         ///< sifive,test*: power off
  std::array<VirtioSlot, max_virtio> virtio{};
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
