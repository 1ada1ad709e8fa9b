// SPDX-License-Identifier: MIT
#include "dev/interrupts.hpp"

#include <atomic>
#include <utility>

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/start.hpp"
#include "dev/endless_interrupts.hpp"
#include "dev/plic.hpp"
#include "lib/format.hpp"
#include "sched/thread.hpp"

namespace dev {

namespace {

void (*handlers[plic::max_controllers][plic::max_sources])();

constinit SilencedSources<plic::max_controllers * plic::max_sources> silenced;

/// The controller of the hart that runs this.
class OwnController {
 public:
  [[nodiscard]] u32 claim() { return plic::claim(); }
  void complete(u32 source) { plic::complete(source); }
  void silence(u32 source);
  void serve(u32 source) {
    if (source < plic::max_sources && handlers[index_][source] != nullptr) handlers[index_][source]();
  }

 private:
  u32 index_ = plic::controller_of_this_hart();
};

/// Until the next tick or so: what does not end goes on and ends one day, when its device is served or pulled out.
void OwnController::silence(u32 source) {
  if (source >= plic::max_sources) return;
  plic::silence(index_, source);
  constexpr u64 times_per_second = 10;
  silenced.add(index_ * plic::max_sources + source, arch::read_time() + arch::timer_frequency() / times_per_second);
  static std::atomic<u32> told{0};
  if (told.exchange(1, std::memory_order_relaxed) == 0) {
    lib::print("interrupt {} does not end: it is heard ten times a second\n", source);
  }
}

/// Hears again who was silenced; when to come back.
u64 end_silence() {
  if (silenced.until() != silenced.nobody) {
    silenced.look(arch::read_time(),
                  [](u32 of_all) { plic::hear(of_all / plic::max_sources, of_all % plic::max_sources); });
  }
  return silenced.until();
}

void handle_external() {
  OwnController controller;
  serve_interrupts(controller, [&controller](u32 source) { controller.serve(source); });
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
  static bool somebody_ends_silence = false;
  if (!std::exchange(somebody_ends_silence, true)) sched::add_housekeeping(end_silence);
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
