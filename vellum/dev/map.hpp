// SPDX-License-Identifier: MIT
#pragma once
// The physical memory map and the interrupt numbers of QEMU's `virt` machine.

#include "vellum/isa/types.hpp"

namespace vellum::map {

struct Window {
  u64 base, size;
  [[nodiscard]] constexpr bool contains(u64 address) const { return address - base < size; }
};

constexpr Window boot_rom{0x1000, 0xf000};
constexpr Window finisher{0x100000, 0x1000};
constexpr Window clock{0x101000, 0x1000};
constexpr Window clint{0x2000000, 0x10000};
constexpr Window plic{0xc000000, 0x600000};
constexpr Window uart{0x10000000, 0x100};
constexpr Window virtio{0x10001000, 0x8000};
constexpr u64 virtio_stride = 0x1000;
constexpr u32 virtio_slots = 8;
constexpr u64 ram_base = 0x80000000;

constexpr u32 virtio_interrupt = 1;  // of slot 0; the others follow
constexpr u32 uart_interrupt = 10;
constexpr u32 clock_interrupt = 11;
constexpr u32 interrupt_sources = 96;

constexpr u64 timebase = 10'000'000;  // ticks of mtime in a second
constexpr u64 nanoseconds_per_tick = 1'000'000'000 / timebase;

}  // namespace vellum::map
