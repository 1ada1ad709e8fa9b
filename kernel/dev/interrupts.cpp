// SPDX-License-Identifier: MIT
#include "dev/interrupts.hpp"

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/start.hpp"
#include "dev/plic.hpp"
#include "sched/thread.hpp"

namespace dev {

namespace {

void (*handlers[plic::max_controllers][plic::max_sources])();

void handle_external() {
  // Until none is left, so that several devices cost one trap.
  const auto& ours = handlers[plic::controller_of_this_hart()];
  while (const u32 source = plic::claim()) {
    if (source < plic::max_sources && ours[source] != nullptr) ours[source]();
    plic::complete(source);
  }
}

Interrupt handle_software() {
  arch::clear_sip(arch::interrupt_bit::software);  // before looking: a later request sets it again
  sched::handle_software_interrupt();
  if (!arch::take_expired_timer()) return Interrupt::software;
  sched::handle_timer();
  return Interrupt::timer;
}

}  // namespace

void set_interrupt_handler(const MachineDescription::Device& device, void (*handler)()) {
  if (device.plic >= plic::max_controllers || device.interrupt >= plic::max_sources) return;
  handlers[device.plic][device.interrupt] = handler;
  plic::enable_source(device.plic, device.interrupt);
}

Interrupt handle_interrupt(u64 cause) {
  switch (static_cast<arch::Cause>(cause)) {
    case arch::Cause::external_interrupt:
      handle_external();
      sched::make_room_for_woken();
      return Interrupt::device;
    case arch::Cause::timer_interrupt: sched::handle_timer(); return Interrupt::timer;
    case arch::Cause::software_interrupt: return handle_software();
    default: return Interrupt::none;
  }
}

void poll_interrupts() {
  const u64 pending = arch::read_awaited_interrupts();
  if ((pending & arch::interrupt_bit::software) != 0) (void)handle_software();
  if ((pending & arch::interrupt_bit::timer) != 0) sched::handle_timer();
  if ((pending & arch::interrupt_bit::external) != 0) handle_external();
}

}  // namespace dev
