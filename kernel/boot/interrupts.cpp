// SPDX-License-Identifier: MIT
#include "boot/interrupts.hpp"

#include "arch/port.hpp"
#include "arch/riscv64/probe.hpp"
#include "arch/riscv64/start.hpp"
#include "boot/refuse.hpp"
#include "dev/console.hpp"
#include "dev/interrupts.hpp"
#include "dev/machine.hpp"
#include "dev/plic.hpp"
#include "dev/uart.hpp"
#include "sched/thread.hpp"

namespace boot {

namespace {

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

}  // namespace

void start_device_interrupts(u32 hart) {
  const auto& machine = dev::machine();
  for (u32 i = 0; i < machine.hart_count; ++i) {
    if (machine.harts[i].id == hart) dev::plic::start_hart(machine.harts[i].plic, machine.harts[i].plic_context);
  }
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
    if (!arch::probe_word(registers)) refuse("nothing answers where the device tree has the plic");
    dev::plic::start(i, registers);
  }
  start_device_interrupts(hart);
  dev::set_interrupt_handler(machine.uart, dev::console::handle_interrupt);
  if (!uart_interrupt_arrives()) refuse("the uart's interrupt does not arrive at the hart that boots");
  sched::set_interrupt_poll(dev::poll_interrupts);
}

}  // namespace boot
