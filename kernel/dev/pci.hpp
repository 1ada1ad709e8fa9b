// SPDX-License-Identifier: MIT
#pragma once
// PCI Express configuration through ECAM (PCI Express Base Specification 4.0, 7.2.2; PCI Local Bus Specification 3.0,
// chapter 6). Finds functions on the root bus and gives them their addresses: the kernel is its own firmware.

#include <bit>
#include <concepts>

#include "dev/pci_host.hpp"

namespace dev::pci {

/// A function of the root bus.
struct Function {
  u32 device = 0;
  u32 function = 0;
};

namespace config {
constexpr u32 vendor_and_device = 0x00, command = 0x04, header_type = 0x0e, bar0 = 0x10, interrupt_pin = 0x3d;
}
namespace command {
constexpr u16 memory = 1 << 1, bus_master = 1 << 2, interrupt_off = 1 << 10;
}

/// Configuration space: in the kernel registers, in tests a model of devices.
template <class T>
concept ConfigSpace = requires(T space, Function function) {
  { space.template read<u32>(function, u32{}) } -> std::same_as<u32>;
  space.write(function, u32{}, u32{});
};

/// Calls visit(Function, id) for each function that answers on the root bus; id is device << 16 | vendor.
template <ConfigSpace Config, class Visit>
void scan(Config config, const Visit& visit) {
  constexpr u32 devices = 32, functions = 8, nobody = 0xffff;
  constexpr u8 has_more = 0x80;
  for (u32 device = 0; device < devices; ++device) {
    for (u32 function = 0; function < functions; ++function) {
      const Function at{device, function};
      const u32 id = config.template read<u32>(at, config::vendor_and_device);
      if ((id & 0xffff) == nobody || id == 0) {
        if (function == 0) break;
        continue;
      }
      visit(at, id);
      if (function == 0 && (config.template read<u8>(at, config::header_type) & has_more) == 0) break;
    }
  }
}

/// Where devices' memory is put: the window of the device tree, from its beginning on.
class MemoryWindow {
 public:
  explicit MemoryWindow(const PciHost::Window& window) : window_(window) {}

  /// A place of a size that is a power of two, aligned to it, as an offset into the window.
  [[nodiscard]] std::optional<u64> take(u64 size) {
    const u64 bus = (window_.bus_address + used_ + size - 1) & ~(size - 1);
    const u64 offset = bus - window_.bus_address;
    if (bus < window_.bus_address || offset > window_.size || size > window_.size - offset) return std::nullopt;
    used_ = offset + size;
    return offset;
  }
  [[nodiscard]] u64 address(u64 offset) const { return window_.base + offset; }
  [[nodiscard]] u64 bus_address(u64 offset) const { return window_.bus_address + offset; }

 private:
  PciHost::Window window_;
  u64 used_ = 0;
};

/// A function's registers after they were placed, as the processor sees them.
struct Registers {
  u64 base = 0;
  u64 size = 0;
};

/// Sizes the first base address register by writing ones and puts it into the window (6.2.5.1). Nothing, if it is not
/// memory, or there is no room. The function does not decode it before enable().
template <ConfigSpace Config>
[[nodiscard]] std::optional<Registers> place(Config config, Function at, MemoryWindow& window) {
  constexpr u32 is_io = 1, type_mask = 6, type_64 = 4, flags = 0xf;
  const auto command = config.template read<u16>(at, config::command);
  config.write(at, config::command, u32{command} & ~u32{command::memory});
  config.write(at, config::bar0, ~u32{0});
  const u32 mask = config.template read<u32>(at, config::bar0);
  if ((mask & is_io) != 0 || (mask & ~flags) == 0) return std::nullopt;
  const u32 size = ~(mask & ~flags) + 1;
  if (!std::has_single_bit(size)) return std::nullopt;
  const auto offset = window.take(size < 4096 ? 4096 : size);  // a page of its own, so that it can be mapped alone
  if (!offset || window.bus_address(*offset) + size > u64{1} << 32) return std::nullopt;
  config.write(at, config::bar0, static_cast<u32>(window.bus_address(*offset)));
  if ((mask & type_mask) == type_64) config.write(at, config::bar0 + 4, 0);
  return Registers{window.address(*offset), size};
}

/// The function answers at its addresses, reaches memory by itself, and may interrupt.
template <ConfigSpace Config>
void enable(Config config, Function at) {
  const u32 command = config.template read<u16>(at, config::command);
  config.write(at, config::command, (command | command::memory | command::bus_master) & ~u32{command::interrupt_off});
}

}  // namespace dev::pci
