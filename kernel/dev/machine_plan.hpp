// SPDX-License-Identifier: MIT
#pragma once
// What of the device tree is used. The tree is input like a disk image: nothing that it names is touched before it was
// found sane here, against the rest of the tree and against what the kernel knows by itself. Free of the target: the
// host fuzzes the reader and this together, as boot calls them.

#include <array>
#include <optional>
#include <string_view>

#include "dev/device_tree.hpp"

namespace dev {

/// What the kernel knows without the tree.
struct BootFacts {
  MachineDescription::Region kernel;       ///< its image
  MachineDescription::Region device_tree;  ///< where the blob lies
  u32 boot_hart = 0;
  u32 max_harts = 0;     ///< harts with a greater number were parked by the reset code
  u64 reach = 0;         ///< the kernel's map of physical memory and devices ends here
  u64 border = 0;        ///< no device window may lie across this address; 0: there is none
};

struct MachinePlan {
  using Region = MachineDescription::Region;
  /// Two for each hart, and one for each device.
  static constexpr usize max_windows =
      2 * MachineDescription::max_harts + MachineDescription::max_plics + MachineDescription::max_virtio + 2;

  Region memory;       ///< the RAM that holds the kernel, neighbouring banks joined; whole pages
  Region device_tree;  ///< the blob's part of it; empty where it lies elsewhere
  std::array<Region, max_windows> windows{};  ///< whole pages of registers, by address, none twice
  u32 window_count = 0;
  std::array<MachineDescription::Hart, MachineDescription::max_harts>
      harts{};  ///< those that can be run, boot hart too
  u32 hart_count = 0;
  std::array<MachineDescription::Plic, MachineDescription::max_plics>
      plics{};  ///< as described; those unused are empty
  u32 plic_count = 0;
  MachineDescription::Device uart;
  std::array<MachineDescription::Device, MachineDescription::max_virtio> virtio{};  ///< by register address
  u32 virtio_count = 0;
  u64 finisher = 0;  ///< 0: the machine cannot be powered off
  PciHost pci;       ///< as described, if its configuration space and its window can be reached; else none
  u64 timebase_frequency = 0;
  bool has_sstc = false;
  std::array<char, MachineDescription::max_bootargs> bootargs{};

  [[nodiscard]] std::string_view boot_arguments() const { return bootargs.data(); }
};

/// Why a machine cannot be used: one line, and the number that it is about.
struct Refusal {
  std::string_view why;
  u64 value = 0;
};

/// The least RAM that the kernel starts with, in bytes.
inline constexpr u64 least_memory = u64{32} << 20;

/// Decides. What the machine can do without (a hart, a virtio slot, the finisher) is left out where the tree is not
/// sane about it; what it cannot do without is a refusal. `plan` is to be fresh, and complete if there was none.
[[nodiscard]] std::optional<Refusal> make_plan(const MachineDescription& described, const BootFacts& facts,
                                               MachinePlan& plan);

/// The UART and the finisher alone: for the voice that says a refusal, and the way out after it. Zero where the tree
/// names none that could be one.
[[nodiscard]] u64 usable_uart(const MachineDescription& described, const BootFacts& facts);
[[nodiscard]] u64 usable_finisher(const MachineDescription& described, const BootFacts& facts);

}  // namespace dev
