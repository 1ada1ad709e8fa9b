// Boot, top to bottom (xv6: main.c). entry.S has brought the first hart here, on its idle thread's stack.

#include <algorithm>
#include <array>

#include "abi/vmstat.hpp"
#include "arch/port.hpp"
#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/start.hpp"
#include "boot/arguments.hpp"
#include "boot/first_process.hpp"
#include "boot/wing.hpp"
#include "dev/console.hpp"
#include "dev/interrupts.hpp"
#include "dev/machine.hpp"
#include "dev/network_cards.hpp"
#include "dev/plic.hpp"
#include "dev/power.hpp"
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

constexpr u64 default_uart = 0x10000000;  // to complain on, when the device tree names none

/// What is missing, in words; then the machine stops.
[[noreturn]] void give_up(std::string_view why) {
  lib::print("cannot boot: {}\n", why);
  dev::power_off(1);
}

PhysRange range_of(u64 base, u64 size) { return PhysRange::from(PhysAddr(base), size).value_or(PhysRange()); }

PhysAddr physical(const char* symbol) { return arch::to_phys(symbol); }

/// Reads the tree at this physical address and starts the console, so that there is a voice for what follows.
/// A tree without a UART is complained about on the one that QEMU's machine has.
PhysRange read_machine(u64 device_tree) {
  const auto* blob = static_cast<const std::byte*>(arch::to_kernel(PhysAddr(device_tree)));
  const u32 size = dev::device_tree_size({blob, 8});
  const dev::DeviceTreeError error = dev::read_device_tree({blob, size}, dev::machine_to_fill());
  const u64 uart = dev::machine().uart.base;
  dev::console::start(arch::kernel_offset + (uart != 0 ? uart : default_uart));
  if (error != dev::DeviceTreeError::none) give_up(dev::describe(error));
  return range_of(device_tree, size);
}

void start_frames(PhysRange device_tree) {
  const auto& memory = dev::machine().memory;
  const PhysRange image = range_of(memory.base, physical(arch::kernel_end).value() - memory.base);
  const std::array<PhysRange, 2> reserved{image, device_tree};
  mm::frames().init(range_of(memory.base, memory.size), reserved);
  mm::frames().release_reserved(device_tree);
  mm::frames().publish_locks();
}

/// One table with everything that the kernel itself uses, and this hart on it.
void enter_kernel_space() {
  arch::write_satp({mm::kernel_space().satp()});
  arch::fence_all();
  arch::use_trampoline();
}

/// The PLIC's registers span 64 MiB; the tree names the part that this machine uses. The whole is mapped, as xv6 does,
/// unless another device lies there: 32 megapages need no more tables than the few at its beginning.
dev::MachineDescription::Region whole_plic(const dev::MachineDescription& machine) {
  constexpr u64 span = u64{64} << 20;
  dev::MachineDescription::Region plic = machine.plic;
  const auto lies_there = [&](const dev::MachineDescription::Region& other) {
    return other.base >= plic.base && other.base - plic.base < span && other.base != plic.base;
  };
  bool is_shared = lies_there(machine.uart) || lies_there(machine.clint) || lies_there(machine.finisher);
  for (u32 i = 0; i < machine.virtio_count; ++i) is_shared |= lies_there(machine.virtio[i].registers);
  if (plic.size != 0 && plic.size < span && !is_shared) plic.size = span;
  return plic;
}

void start_kernel_space() {
  const auto& machine = dev::machine();
  std::array<mm::DeviceWindow, 6 + dev::MachineDescription::max_virtio> windows;
  usize count = 0;
  const auto add = [&](const dev::MachineDescription::Region& registers) {
    if (registers.size == 0) return;
    windows[count++] = {range_of(registers.base, registers.size), mm::VirtAddr(arch::device_address(registers.base))};
  };
  add(machine.uart);
  add(whole_plic(machine));
  add(machine.clint);
  add(machine.finisher);
  for (u32 i = 0; i < machine.virtio_count; ++i) add(machine.virtio[i].registers);
  for (const auto& window : dev::find_pci_network_card(arch::kernel_offset)) add(window);

  const mm::KernelImage image{.text_begin = physical(arch::kernel_start),
                              .rodata_begin = physical(arch::kernel_text_end),
                              .data_begin = physical(arch::kernel_rodata_end),
                              .trampoline = physical(arch::trampoline_start)};
  if (const auto built = mm::kernel_space().build(std::span(windows).first(count), image); !built) {
    give_up(lib::describe(built.error()));
  }
  enter_kernel_space();
  mm::View::init();
  sched::set_kernel_space(mm::kernel_space());
}

void start_interrupts() {
  const auto& machine = dev::machine();
  arch::configure_timer(arch::device_address(machine.clint.base), machine.clint.base, machine.has_sstc,
                        machine.timebase_frequency);
  dev::plic::start(arch::device_address(machine.plic.base));
  dev::set_interrupt_handler(machine.uart_interrupt, dev::console::handle_interrupt);
  sched::set_interrupt_poll(dev::poll_interrupts);
}

/// Timer and devices may interrupt this hart.
void start_hart_interrupts(u32 hart) {
  arch::start_timer_of_this_hart();
  const auto& machine = dev::machine();
  for (u32 i = 0; i < machine.hart_count; ++i) {
    if (machine.harts[i].id == hart && machine.plic_context[i] != dev::MachineDescription::no_context) {
      dev::plic::start_hart(hart, machine.plic_context[i]);
    }
  }
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
  dev::BlockDevice* disk = dev::start_virtio_block();
  if (disk == nullptr) give_up("no virtio block device");
  if (const auto started = boot::start_first_process(*disk, allocate_cache()); !started) {
    give_up(lib::describe(started.error()));
  }
}

void release_other_harts() {
  const auto& machine = dev::machine();
  u32 mask = 0;
  for (u32 i = 0; i < machine.hart_count; ++i) {
    if (machine.harts[i].id < arch::max_harts) mask |= 1U << machine.harts[i].id;
  }
  arch::release_harts(mask);
}

}  // namespace

namespace arch {

void kernel_main(u32 hart, u64 device_tree) {
  sched::adopt_idle_thread(hart);
  const PhysRange tree = read_machine(device_tree);
  lib::print("\nBifolium, a kernel for xv6's programs\n");
  lib::print("{} MiB, {} harts, view {}, hart {} boots\n\n", dev::machine().memory.size >> 20,
             dev::machine().hart_count, abi::view_names[static_cast<usize>(mm::View::kind)], hart);
  boot::read_arguments();
  start_frames(tree);
  start_kernel_space();
  start_interrupts();
  process::start_network(dev::start_network_card());
  for (const boot::Wing& wing : boot::wings()) {
    if (wing.boot != nullptr) wing.boot();
  }
  start_first_process();
  start_hart_interrupts(hart);
  release_other_harts();
  sched::run_idle();
}

void secondary_main(u32 hart) {
  sched::adopt_idle_thread(hart);
  enter_kernel_space();
  start_hart_interrupts(hart);
  lib::print("hart {} starting\n", hart);
  sched::run_idle();
}

}  // namespace arch
