// SPDX-License-Identifier: MIT
#include "boot/memory.hpp"

#include <array>

#include "arch/port.hpp"
#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/pci_address.hpp"
#include "arch/riscv64/start.hpp"
#include "boot/refuse.hpp"
#include "dev/console.hpp"
#include "dev/machine.hpp"
#include "dev/network_cards.hpp"
#include "dev/power.hpp"
#include "mm/frames.hpp"
#include "mm/kernel_space.hpp"
#include "mm/view.hpp"
#include "sched/thread.hpp"

namespace boot {

namespace {

using mm::PhysAddr;
using mm::PhysRange;

PhysRange range_of(u64 base, u64 size) { return PhysRange::from(PhysAddr(base), size).value_or(PhysRange()); }
PhysRange range_of(const dev::MachineDescription::Region& region) { return range_of(region.base, region.size); }

PhysAddr physical(const char* symbol) { return arch::to_phys(symbol); }

/// The PLIC's registers span 64 MiB, of which the plan has the part that this machine uses. The whole is mapped, as xv6
/// does, unless something else lies there: 32 megapages need no more tables than the few at its beginning.
u64 bytes_of_window(const dev::MachinePlan& machine, u32 window) {
  constexpr u64 span = u64{64} << 20;
  const auto& [base, bytes] = machine.windows[window];
  if (base != machine.plics[0].registers.base) return bytes;
  const bool meets_window = window + 1 < machine.window_count && machine.windows[window + 1].base - base < span;
  const bool meets_memory = machine.memory.base > base && machine.memory.base - base < span;
  return meets_window || meets_memory || bytes > span ? bytes : span;
}

}  // namespace

void start_frames() {
  const auto& machine = dev::machine();
  const u64 begin = machine.memory.base;
  const PhysRange image = range_of(begin, physical(arch::kernel_end).value() - begin);
  const PhysRange device_tree = range_of(machine.device_tree);
  const std::array<PhysRange, 2> reserved{image, device_tree};
  mm::frames().init(range_of(machine.memory), reserved);
  mm::frames().release_reserved(device_tree);
  mm::frames().publish_locks();
}

void start_kernel_space() {
  const auto& machine = dev::machine();
  static std::array<mm::DeviceWindow, dev::MachinePlan::max_windows + 2> windows;
  usize count = 0;
  for (u32 i = 0; i < machine.window_count; ++i) {
    const u64 base = machine.windows[i].base;
    windows[count++] = {range_of(base, bytes_of_window(machine, i)), mm::VirtAddr(arch::device_address(base))};
  }
  for (const auto& window : dev::find_pci_network_card(arch::kernel_offset)) {
    windows[count++] = {range_of(window), mm::VirtAddr(arch::pci_address(window.base))};
  }

  const mm::KernelImage image{.text_begin = physical(arch::kernel_start),
                              .rodata_begin = physical(arch::kernel_text_end),
                              .data_begin = physical(arch::kernel_rodata_end),
                              .trampoline = physical(arch::trampoline_start)};
  if (const auto built = mm::kernel_space().build(std::span(windows).first(count), image); !built) {
    refuse(lib::describe(built.error()));
  }
  enter_kernel_space();
  dev::console::move_to(arch::device_address(machine.uart.registers.base));
  dev::set_finisher(machine.finisher != 0 ? arch::device_address(machine.finisher) : 0);
  mm::View::init();
  sched::set_kernel_space(mm::kernel_space());
}

void enter_kernel_space() {
  arch::write_satp({mm::kernel_space().satp()});
  arch::fence_all();
  arch::use_trampoline();
}

std::span<std::byte> allocate_cache() {
  constexpr u32 smallest = 6, largest = 9;
  u32 order = smallest;
  while (order < largest && (u64{4096} << order) < dev::machine().memory.size / 128) ++order;
  const auto first = mm::frames().allocate(mm::FrameState::kernel, mm::Zero::no, mm::Order{order});
  if (!first) refuse("no memory for the block cache");
  return {static_cast<std::byte*>(mm::frame_bytes(*first)), usize{4096} << order};
}

}  // namespace boot
