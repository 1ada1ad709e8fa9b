// SPDX-License-Identifier: MIT
#pragma once
// The few machine operations that portable layers (mm, fs) use. The host build has a twin of this header
// (tests/host/seam/arch/port.hpp): keep the two alike.

#include "arch/riscv64/hart.hpp"
#include "arch/riscv64/layout.hpp"
#include "lib/types.hpp"
#include "sv39/address.hpp"

namespace arch {

inline constexpr u32 max_harts = max_hart_count;

/// The running hart's index, 0 to max_harts - 1. Stable until the thread sleeps or yields.
[[nodiscard]] inline u32 hart_index() { return current_thread()->hart; }

/// The running hart's event counters, as stable as its index.
[[nodiscard]] inline HartCounters& own_counters() { return *current_thread()->counters; }

/// Where the kernel sees a frame of RAM (the direct map), and back. Kernel stacks may not lie in it.
[[nodiscard]] inline void* to_kernel(sv39::PhysAddr address) {
  return reinterpret_cast<void*>(address.value() + kernel_offset);
}
[[nodiscard]] inline sv39::PhysAddr to_phys(const void* address) {
  return sv39::PhysAddr{reinterpret_cast<u64>(address) - kernel_offset};
}

/// An entry of a page table that hardware may walk has been stored. Nothing to do here: the host's twin lets a model of
/// the TLB look at the table now.
inline void note_table_store() {}

/// Fences of this hart's TLB (sfence.vma). They order earlier stores to page tables before later translations.
inline void fence_page(sv39::Asid asid, sv39::VirtAddr page) {
  asm volatile("sfence.vma %0, %1" : : "r"(page.value()), "r"(static_cast<u64>(asid)) : "memory");
}
inline void fence_asid(sv39::Asid asid) {
  asm volatile("sfence.vma x0, %0" : : "r"(static_cast<u64>(asid)) : "memory");
}
/// All ASIDs, global mappings too.
inline void fence_all() { asm volatile("sfence.vma x0, x0" : : : "memory"); }
/// Makes this hart fetch what stores have written.
inline void fence_i() { asm volatile("fence.i" : : : "memory"); }

}  // namespace arch
