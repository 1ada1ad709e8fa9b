// SPDX-License-Identifier: MIT
#include "dev/plic.hpp"

#include "arch/riscv64/hart.hpp"
#include "dev/mmio.hpp"

namespace dev::plic {

namespace {

// Registers (RISC-V PLIC specification 1.0): a word of priority for each source; a bit of enable for each source,
// 0x80 bytes per context; threshold and claim, 0x1000 bytes per context.
constexpr u64 enable_base = 0x2000, enable_stride = 0x80;
constexpr u64 context_base = 0x200000, context_stride = 0x1000, claim_offset = 4;
constexpr u32 sources_per_word = 32;

struct Controller {
  u64 base = 0;
  u32 enabled[max_sources / sources_per_word] = {};  // bit per source
};
Controller controllers[max_controllers];

/// What a hart hears.
struct Ear {
  u32 controller = 0;
  u32 context = 0;
  bool open = false;
};
Ear ears[arch::max_hart_count];

Ear& own_ear() { return ears[arch::current_thread()->hart]; }

u64 context_of_this_hart() {
  const Ear& ear = own_ear();
  return controllers[ear.controller].base + context_base + context_stride * ear.context;
}

void write_enables() {
  const Ear& ear = own_ear();
  const Controller& controller = controllers[ear.controller];
  u64 enable = controller.base + enable_base + enable_stride * ear.context;
  for (const u32 word : controller.enabled) {
    mmio_write<u32>(enable, word);
    enable += sizeof(u32);
  }
}

}  // namespace

void start(u32 controller, u64 registers) { controllers[controller].base = registers; }

void silence(u32 controller, u32 source) { mmio_write<u32>(controllers[controller].base + u64{4} * source, 0); }
void hear(u32 controller, u32 source) { mmio_write<u32>(controllers[controller].base + u64{4} * source, 1); }

void enable_source(u32 controller, u32 source) {
  Controller& of = controllers[controller];
  hear(controller, source);
  of.enabled[source / sources_per_word] |= 1U << source % sources_per_word;
  if (own_ear().open && own_ear().controller == controller) write_enables();
}

void start_hart(u32 controller, u32 context) {
  own_ear() = {controller, context, true};
  write_enables();
  mmio_write<u32>(context_of_this_hart(), 0);  // threshold: everything above 0
}

u32 controller_of_this_hart() { return own_ear().controller; }
u32 claim() { return mmio_read<u32>(context_of_this_hart() + claim_offset); }
void complete(u32 source) { mmio_write<u32>(context_of_this_hart() + claim_offset, source); }

}  // namespace dev::plic
