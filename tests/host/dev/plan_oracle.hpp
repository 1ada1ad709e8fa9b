// SPDX-License-Identifier: MIT
#pragma once
// What must hold of every plan that was not refused, said without the planner's help: by pages, in plain loops.

#include <map>

#include "dev/machine_plan.hpp"

namespace dev_test {

/// The kernel as it lies in QEMU's machine of 128 MiB.
inline constexpr dev::BootFacts qemu_facts{.kernel = {0x80000000, 0x60000},
                                           .device_tree = {0x87e00000, 0x1400},
                                           .boot_hart = 0,
                                           .max_harts = 8,
                                           .reach = std::uint64_t{16} << 30,
                                           .border = 0x0c000000};

/// The first rule that the plan breaks, in words; null if it breaks none.
inline const char* what_is_wrong(const dev::MachinePlan& plan, const dev::MachineDescription& machine,
                                 const dev::BootFacts& facts) {
  constexpr std::uint64_t page = 4096;
  const std::uint64_t memory_end = plan.memory.base + plan.memory.size;
  if (plan.memory.base % page != 0 || plan.memory.size % page != 0) return "memory in parts of pages";
  if (plan.memory.base > facts.kernel.base || memory_end < facts.kernel.base + facts.kernel.size) return "no kernel";
  if (plan.memory.size < dev::least_memory || memory_end > facts.reach) return "memory too small or out of reach";
  for (std::uint64_t at = plan.memory.base; at < memory_end; at += std::uint64_t{1} << 20) {
    bool named = false;
    for (std::uint32_t i = 0; i < machine.memory_count; ++i)
      named |= at - machine.memory[i].base < machine.memory[i].size;
    if (!named) return "memory that the tree does not name";
  }
  if (plan.device_tree.size != 0 &&
      (plan.device_tree.base < plan.memory.base || plan.device_tree.base + plan.device_tree.size > memory_end)) {
    return "a device tree outside the memory is given back to it";
  }
  if (plan.timebase_frequency < 10) return "a tick of no length";

  std::uint64_t before = 0;
  for (std::uint32_t i = 0; i < plan.window_count; ++i) {
    const auto& window = plan.windows[i];
    const std::uint64_t end = window.base + window.size;
    if (window.base % page != 0 || window.size % page != 0 || window.size == 0) return "a window in parts of pages";
    if (window.base == 0 || end <= window.base || end > facts.reach) return "a window out of reach";
    if (window.base < before) return "windows that overlap";
    if (window.base < memory_end && end > plan.memory.base) return "a window over memory";
    if (window.base < facts.border && end > facts.border) return "a window across the border";
    before = end;
  }
  const auto has_window = [&](std::uint64_t base, std::uint64_t bytes) {
    for (std::uint32_t i = 0; i < plan.window_count; ++i) {
      const auto& window = plan.windows[i];
      if (base >= window.base && base + bytes <= window.base + window.size) return true;
    }
    return false;
  };
  if (!has_window(plan.uart.registers.base, 8)) return "no window for the uart";
  if (plan.finisher != 0 && !has_window(plan.finisher, 4)) return "no window for the finisher";
  const auto is_connected = [&](const dev::MachineDescription::Device& device) {
    return device.interrupt != 0 && device.interrupt < dev::MachineDescription::max_sources &&
           device.plic < plan.plic_count && has_window(plan.plics[device.plic].registers.base, 0x201000);
  };
  if (!is_connected(plan.uart)) return "the uart's interrupt goes nowhere";
  for (std::uint32_t i = 0; i < plan.virtio_count; ++i) {
    if (!has_window(plan.virtio[i].registers.base, 0x200) || !is_connected(plan.virtio[i])) return "a slot without all";
    if (i > 0 && plan.virtio[i].registers.base < plan.virtio[i - 1].registers.base) return "slots out of order";
  }
  std::map<std::uint32_t, int> numbers;
  for (std::uint32_t i = 0; i < plan.hart_count; ++i) {
    const auto& hart = plan.harts[i];
    if (hart.id >= facts.max_harts || numbers[hart.id]++ != 0) return "a hart that cannot be, or twice";
    if (!has_window(hart.software_interrupt.base, 4)) return "a hart that cannot be sent an interrupt";
    if (!plan.has_sstc && !has_window(hart.timer_compare.base, 8)) return "a hart without a timer";
    const std::uint64_t context = 0x200000 + 0x1000 * std::uint64_t{hart.plic_context};
    if (hart.plic >= plan.plic_count || !has_window(plan.plics[hart.plic].registers.base + context, 8)) {
      return "a hart that hears no plic";
    }
  }
  return numbers.contains(facts.boot_hart) ? nullptr : "the boot hart is not there";
}

}  // namespace dev_test
