// SPDX-License-Identifier: MIT
#include "arch/riscv64/start.hpp"

#include <array>
#include <atomic>

#include "arch/riscv64/csr.hpp"

extern "C" char trap_vector[];
extern "C" char boot_stacks[];
extern "C" u32 harts_released;

/// entry.S's per-hart areas; M-mode uses the addresses, so they are physical.
struct MachineArea {
  u64 saved[2];
  u64 software_interrupt;  // msip
  u64 timer_compare;       // mtimecmp
  u64 enable;              // set in mie at the next software interrupt
  u64 unused[3];
};
static_assert(sizeof(MachineArea) == 64);
extern "C" MachineArea machine_areas[arch::max_hart_count];

namespace arch {

namespace {

std::atomic<u32> started{0};
u64 timebase = 0;
bool sstc = false;
// Kernel addresses of each hart's registers; 0 where the hart has none.
u64 software_interrupts[max_hart_count];
u64 timer_compares[max_hart_count];
u64 timer_set_to[max_hart_count];  // without Sstc

}  // namespace

#if defined(BIFOLIUM_VIEW_UNIFIED)
namespace {
constexpr u64 gigapage = u64{1} << 30;
constexpr u64 boot_gigapages = boot_reach / gigapage;

/// The table with which S-mode begins: physical memory at kernel_offset, as gigapages that allow everything.
/// Kernel space replaces it within the first moments.
constexpr std::array<u64, 512> make_boot_root() {
  constexpr u64 valid_rwx_global_accessed_dirty = 0xef;
  std::array<u64, 512> root{};
  for (u64 i = 0; i < boot_gigapages; ++i) {
    root[(kernel_offset / gigapage + i) % 512] = (i * gigapage >> 12) << 10 | valid_rwx_global_accessed_dirty;
  }
  return root;
}
}  // namespace
// Not const: in a section whose physical page nobody else uses; read by the hardware alone.
extern "C" {
alignas(4096) constinit std::array<u64, 512> boot_root = make_boot_root();
}
#endif

void adopt_boot_thread(CurrentThread& thread, u32 hart) {
  thread.hart = hart;
  thread.counters = &hart_counters[hart];
  thread.stack_bottom = reinterpret_cast<u64>(boot_stacks) + u64{hart} * LAYOUT_BOOT_STACK_SIZE;
  thread.stack_top = thread.stack_bottom + LAYOUT_BOOT_STACK_SIZE;
  asm volatile("mv tp, %0" : : "r"(&thread) : "memory");
  write_sscratch(0);
  write_stvec(reinterpret_cast<u64>(trap_vector));
  write_scounteren(7);  // programs may read cycle, time, instret
  // Taken in user mode at once; in the kernel they only end a wfi (sstatus.SIE stays clear).
  write_sie(interrupt_bit::software | interrupt_bit::timer | interrupt_bit::external);
}

void use_trampoline() {
#if !defined(BIFOLIUM_VIEW_UNIFIED)
  write_stvec(trampoline_address + (trap_vector - trampoline_start));
#endif
}

void configure_timer(bool has_sstc, u64 frequency) {
  timebase = frequency;
  sstc = has_sstc;
}

void set_interruptor(u32 hart, u64 software_interrupt, u64 timer_compare) {
  machine_areas[hart].software_interrupt = software_interrupt;
  machine_areas[hart].timer_compare = timer_compare;
  software_interrupts[hart] = device_address(software_interrupt);
  if (timer_compare != 0) timer_compares[hart] = device_address(timer_compare);
}

void start_timer_of_this_hart() {
  if (sstc) return;
  constexpr u64 machine_timer = 1 << 7;
  const u32 hart = current_thread()->hart;
  machine_areas[hart].enable = machine_timer;
  send_interrupt(hart);
}

bool has_sstc() { return sstc; }
u64 timer_frequency() { return timebase; }

void set_timer(u64 when) {
  if (sstc) {
    write_stimecmp(when);
  } else {
    const u32 hart = current_thread()->hart;
    timer_set_to[hart] = when;
    *reinterpret_cast<volatile u64*>(timer_compares[hart]) = when;
  }
}

bool take_expired_timer() {
  u64& when = timer_set_to[current_thread()->hart];
  if (sstc || read_time() < when) return false;
  when = ~u64{0};
  return true;
}

void send_interrupt(u32 hart) {
  fence_io();  // what the other hart shall find is written before it is told
  *reinterpret_cast<volatile u32*>(software_interrupts[hart]) = 1;
}

u32 started_harts() { return started.load(std::memory_order_seq_cst); }
void note_started(u32 hart) { started.fetch_or(1U << hart, std::memory_order_seq_cst); }

void release_harts(u32 hart_mask) {
  *static_cast<volatile u32*>(&harts_released) = 1;
  for (u32 hart = 0; hart < max_hart_count; ++hart) {
    if ((hart_mask >> hart & 1) != 0 && hart != current_thread()->hart) send_interrupt(hart);
  }
}

void halt() {
  write_sie(0);
  while (true) wait_for_interrupt();
}

}  // namespace arch

extern "C" void (*const constructors_start[])();
extern "C" void (*const constructors_end[])();

// entry.S comes here.
extern "C" [[noreturn]] void boot_hart_start(u64 hart, u64 device_tree) {
  // Static objects whose initial value the compiler could not compute.
  for (void (*const* construct)() = constructors_start; construct != constructors_end; ++construct) (*construct)();
  arch::kernel_main(static_cast<u32>(hart), device_tree);
}
extern "C" [[noreturn]] void secondary_hart_start(u64 hart) { arch::secondary_main(static_cast<u32>(hart)); }
