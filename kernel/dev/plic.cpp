#include "dev/plic.hpp"

#include "arch/riscv64/hart.hpp"
#include "dev/mmio.hpp"

namespace dev::plic {

namespace {

// Registers (RISC-V PLIC specification 1.0): a word of priority for each source; a bit of enable for each source,
// 0x80 bytes per context; threshold and claim, 0x1000 bytes per context.
constexpr u64 enable_base = 0x2000, enable_stride = 0x80;
constexpr u64 context_base = 0x200000, context_stride = 0x1000, claim_offset = 4;
constexpr u32 max_sources = 64;

u64 base = 0;
u64 enabled = 0;  // bit per source
u32 contexts[arch::max_hart_count];

u64 context_of_this_hart() { return base + context_base + context_stride * contexts[arch::current_thread()->hart]; }

}  // namespace

void start(u64 registers) { base = registers; }

void enable_source(u32 source) {
  if (source == nothing || source >= max_sources) return;
  mmio_write<u32>(base + u64{4} * source, 1);
  enabled |= u64{1} << source;
}

void start_hart(u32 hart, u32 context) {
  contexts[hart] = context;
  const u64 enable = base + enable_base + enable_stride * context;
  mmio_write<u32>(enable, static_cast<u32>(enabled));
  mmio_write<u32>(enable + 4, static_cast<u32>(enabled >> 32));
  mmio_write<u32>(base + context_base + context_stride * context, 0);  // threshold: everything above 0
}

u32 claim() { return mmio_read<u32>(context_of_this_hart() + claim_offset); }
void complete(u32 source) { mmio_write<u32>(context_of_this_hart() + claim_offset, source); }

}  // namespace dev::plic
