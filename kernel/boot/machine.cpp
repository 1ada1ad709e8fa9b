// SPDX-License-Identifier: MIT
#include "boot/machine.hpp"

#include <span>

#include "arch/port.hpp"
#include "arch/riscv64/probe.hpp"
#include "arch/riscv64/start.hpp"
#include "boot/refuse.hpp"
#include "dev/console.hpp"
#include "dev/machine.hpp"
#include "dev/power.hpp"
#include "dev/uart.hpp"
#include "lib/format.hpp"

namespace boot {

namespace {

// What QEMU's machine has, for a voice and a way out when the device tree cannot be read or names none.
constexpr u64 default_uart = 0x10000000, default_finisher = 0x100000;

/// The tree's bytes, or none where a1 points to nothing that could be one.
std::span<const std::byte> find_device_tree(u64 at) {
  constexpr usize header_bytes = 8;
  constexpr u32 longest = 2 << 20;  // QEMU's own limit is half of this
  const u64 address = arch::kernel_offset + at;
  if (at % 4 != 0 || at >= arch::boot_reach || !arch::probe_word(address) || !arch::probe_word(address + 4)) return {};
  const auto* blob = reinterpret_cast<const std::byte*>(address);
  const u32 size = dev::device_tree_size({blob, header_bytes});
  if (size < header_bytes || size > longest || !arch::probe_byte(address + size - 1)) return {};
  return {blob, size};
}

/// Starts the console on the tree's UART, or on the one that QEMU's machine has, so that there is a voice for what
/// follows; and knows how to power off. Returns the address of the UART that answered, 0 if none did.
u64 find_voice_and_way_out(const dev::BootFacts& facts) {
  const auto& described = dev::description_to_fill();
  const u64 finisher = dev::usable_finisher(described, facts);
  dev::set_finisher(arch::kernel_offset + (finisher != 0 ? finisher : default_finisher));
  for (const u64 uart : {dev::usable_uart(described, facts), default_uart}) {
    if (uart == 0 || !dev::uart::answers(arch::kernel_offset + uart)) continue;
    dev::console::start(arch::kernel_offset + uart);
    return uart;
  }
  return 0;
}

}  // namespace

void read_machine(u32 hart, u64 device_tree) {
  const auto blob = find_device_tree(device_tree);
  const u64 kernel = arch::to_phys(arch::kernel_start).value();
  const dev::BootFacts facts{.kernel = {kernel, arch::to_phys(arch::kernel_end).value() - kernel},
                             .device_tree = {device_tree, blob.size()},
                             .boot_hart = hart,
                             .max_harts = arch::max_harts,
                             .reach = arch::boot_reach,
                             .border = arch::mirror_limit};
  const dev::DeviceTreeError error = dev::read_device_tree(blob, dev::description_to_fill());
  const u64 voice = find_voice_and_way_out(facts);
  if (error != dev::DeviceTreeError::none) refuse(dev::describe(error));
  if (const auto refusal = dev::make_plan(dev::description_to_fill(), facts, dev::machine_to_fill())) {
    refuse(refusal->why, refusal->value);
  }
  if (const u64 uart = dev::machine().uart.registers.base; uart != voice) {
    refuse("nothing answers where the device tree has the uart, at", uart);
  }
}

void try_memory() {
  constexpr u64 step = u64{1} << 30;
  const auto& memory = dev::machine().memory;
  const u64 kernel_end = arch::to_phys(arch::kernel_end).value();
  for (u64 end = memory.base + memory.size; end > kernel_end; end = end > step ? end - step : 0) {
    const u64 last = arch::kernel_offset + end - sizeof(u32);
    const auto before = arch::probe_word(last);
    const bool kept = before && arch::probe_store_word(last, ~*before) && arch::probe_word(last) == ~*before;
    if (!kept) {
      refuse("the device tree names memory that is not there, at", end - sizeof(u32));
    }
    (void)arch::probe_store_word(last, *before);
  }
}

}  // namespace boot
