// SPDX-License-Identifier: MIT
// Boot, top to bottom (xv6: main.c). entry.S has brought the first hart here, on its idle thread's stack.

#include <array>

#include "abi/vmstat.hpp"
#include "arch/port.hpp"
#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/probe.hpp"
#include "arch/riscv64/start.hpp"
#include "boot/arguments.hpp"
#include "boot/first_process.hpp"
#include "boot/machine.hpp"
#include "boot/wing.hpp"
#include "dev/console.hpp"
#include "dev/interrupts.hpp"
#include "dev/machine.hpp"
#include "dev/network_cards.hpp"
#include "dev/plic.hpp"
#include "dev/power.hpp"
#include "dev/uart.hpp"
#include "dev/virtio_block.hpp"
#include "lib/format.hpp"
#include "mm/frames.hpp"
#include "mm/kernel_space.hpp"
#include "mm/view.hpp"
#include "process/network.hpp"
#include "sched/thread.hpp"

namespace {

using mm::PhysAddr;
using mm::PhysRange;

/// What is missing, in words; then the machine stops.
[[noreturn]] void give_up(std::string_view why) {
  lib::print("cannot boot: {}\n", why);
  dev::power_off(1);
}

PhysRange range_of(u64 base, u64 size) { return PhysRange::from(PhysAddr(base), size).value_or(PhysRange()); }
PhysRange range_of(const dev::MachineDescription::Region& region) { return range_of(region.base, region.size); }

PhysAddr physical(const char* symbol) { return arch::to_phys(symbol); }

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

/// One table with everything that the kernel itself uses, and this hart on it.
void enter_kernel_space() {
  arch::write_satp({mm::kernel_space().satp()});
  arch::fence_all();
  arch::use_trampoline();
}

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

void start_kernel_space() {
  const auto& machine = dev::machine();
  static std::array<mm::DeviceWindow, dev::MachinePlan::max_windows + 2> windows;
  usize count = 0;
  const auto add = [&](u64 base, u64 bytes) {
    windows[count++] = {range_of(base, bytes), mm::VirtAddr(arch::device_address(base))};
  };
  for (u32 i = 0; i < machine.window_count; ++i) add(machine.windows[i].base, bytes_of_window(machine, i));
  for (const auto& window : dev::find_pci_network_card(arch::kernel_offset)) add(window.base, window.size);

  const mm::KernelImage image{.text_begin = physical(arch::kernel_start),
                              .rodata_begin = physical(arch::kernel_text_end),
                              .data_begin = physical(arch::kernel_rodata_end),
                              .trampoline = physical(arch::trampoline_start)};
  if (const auto built = mm::kernel_space().build(std::span(windows).first(count), image); !built) {
    give_up(lib::describe(built.error()));
  }
  enter_kernel_space();
  dev::console::move_to(arch::device_address(machine.uart.registers.base));
  dev::set_finisher(machine.finisher != 0 ? arch::device_address(machine.finisher) : 0);
  mm::View::init();
  sched::set_kernel_space(mm::kernel_space());
}

/// Devices may interrupt this hart; their interrupts are seen when it asks, or returns to a program.
void start_device_interrupts(u32 hart) {
  const auto& machine = dev::machine();
  for (u32 i = 0; i < machine.hart_count; ++i) {
    if (machine.harts[i].id == hart) dev::plic::start_hart(machine.harts[i].plic, machine.harts[i].plic_context);
  }
}

/// Whether the console can be typed at.
bool uart_interrupt_arrives() {
  const auto& uart = dev::machine().uart;
  if (uart.plic != dev::plic::controller_of_this_hart()) return false;
  if (!dev::console::flush()) return true;  // it has no room, so it cannot be tried now
  dev::uart::ask_for_room();
  const u32 source = dev::plic::claim();
  dev::uart::stop_asking_for_room();
  if (source != dev::plic::nothing) dev::plic::complete(source);
  return source == uart.interrupt;
}

void start_interrupts(u32 hart) {
  const auto& machine = dev::machine();
  arch::configure_timer(machine.has_sstc, machine.timebase_frequency);
  for (u32 i = 0; i < machine.hart_count; ++i) {
    const auto& each = machine.harts[i];
    arch::set_interruptor(each.id, each.software_interrupt.base, each.timer_compare.base);
  }
  for (u32 i = 0; i < machine.plic_count; ++i) {
    if (machine.plics[i].registers.size == 0) continue;
    const u64 registers = arch::device_address(machine.plics[i].registers.base);
    if (!arch::probe_word(registers)) give_up("nothing answers where the device tree has the plic");
    dev::plic::start(i, registers);
  }
  start_device_interrupts(hart);
  dev::set_interrupt_handler(machine.uart, dev::console::handle_interrupt);
  if (!uart_interrupt_arrives()) give_up("the uart's interrupt does not arrive at the hart that boots");
  sched::set_interrupt_poll(dev::poll_interrupts);
}

/// Memory for the block cache: RAM/128, a power of two from 256 KiB to 2 MiB.
std::span<std::byte> allocate_cache() {
  constexpr u32 smallest = 6, largest = 9;
  u32 order = smallest;
  while (order < largest && (u64{4096} << order) < dev::machine().memory.size / 128) ++order;
  const auto first = mm::frames().allocate(mm::FrameState::kernel, mm::Zero::no, mm::Order{order});
  if (!first) give_up("no memory for the block cache");
  return {static_cast<std::byte*>(mm::frame_bytes(*first)), usize{4096} << order};
}

void start_first_process() {
  const auto disk = dev::start_virtio_block(boot::arguments().root);
  if (!disk && disk.error() == lib::Error::io)
    give_up("the disk does not answer, or its interrupt does not arrive at the hart that boots");
  if (!disk && disk.error() == lib::Error::not_found) {
    give_up(boot::arguments().root.empty() ? "no virtio block device" : "no virtio block device where root= says");
  }
  if (!disk) give_up("the disk cannot be set up");
  if (const auto started = boot::start_first_process(**disk, allocate_cache()); !started) {
    give_up(lib::describe(started.error()));
  }
}

void release_other_harts() {
  const auto& machine = dev::machine();
  u32 mask = 0;
  for (u32 i = 0; i < machine.hart_count; ++i) {
    mask |= 1U << machine.harts[i].id;
  }
  arch::release_harts(mask);
}

}  // namespace

namespace arch {

void kernel_main(u32 hart, u64 device_tree) {
  sched::adopt_idle_thread(hart);
  boot::read_machine(hart, device_tree);
  lib::print("\nBifolium, a kernel for xv6's programs\n");
  lib::print("{} MiB, {} hart{}, view {}, hart {} boots\n\n", dev::machine().memory.size >> 20,
             dev::machine().hart_count, dev::machine().hart_count == 1 ? "" : "s",
             abi::view_names[static_cast<usize>(mm::View::kind)], hart);
  boot::read_arguments();
  boot::try_memory();
  start_frames();
  start_kernel_space();
  start_interrupts(hart);
  process::start_network(dev::start_network_card());
  for (const boot::Wing& wing : boot::wings()) {
    if (wing.boot != nullptr) wing.boot();
  }
  start_first_process();
  arch::start_timer_of_this_hart();
  release_other_harts();
  sched::run_idle();
}

void secondary_main(u32 hart) {
  sched::adopt_idle_thread(hart);
  enter_kernel_space();
  start_device_interrupts(hart);
  arch::start_timer_of_this_hart();
  lib::print("hart {} starting\n", hart);
  sched::run_idle();
}

}  // namespace arch
