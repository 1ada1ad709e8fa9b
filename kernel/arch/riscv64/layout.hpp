// SPDX-License-Identifier: MIT
#pragma once
// Where the kernel sees physical memory, for the view it is compiled for. Usable from assembly and linker script.

#if defined(BIFOLIUM_VIEW_UNIFIED)
// The kernel lives in the upper half: every physical address is seen at itself plus this.
#define LAYOUT_KERNEL_OFFSET 0xffffffc000000000
#else
// The notes' identity map.
#define LAYOUT_KERNEL_OFFSET 0
#endif

#define LAYOUT_KERNEL_BASE 0x80000000        /* physical load address: where `-bios none` jumps to */
#define LAYOUT_TRAMPOLINE 0x3ffffff000       /* TRAMPOLINE: top page of every table */
#define LAYOUT_TRAPFRAME 0x3fffffe000        /* TRAPFRAME: the page below, in user tables */
#define LAYOUT_PAGE_SIZE 4096
#define LAYOUT_MAX_HARTS 8
#define LAYOUT_BOOT_STACK_SIZE 8192          /* idle thread's stack, one for each hart */
#define LAYOUT_EMERGENCY_STACK_SIZE 8192     /* fault reports after a stack overflow, one for each hart */

// In `mirrored`, devices below arch::mirror_limit (CLINT, test finisher) are seen this much higher.
#define LAYOUT_LOW_DEVICE_ALIAS 0x1000000000

#ifndef __ASSEMBLER__
#include "arch/mirror_limit.hpp"
#include "lib/types.hpp"

namespace arch {

inline constexpr u64 kernel_offset = LAYOUT_KERNEL_OFFSET;
inline constexpr u64 trampoline_address = LAYOUT_TRAMPOLINE;
inline constexpr u64 trapframe_address = LAYOUT_TRAPFRAME;

/// The kernel address of a device register at this physical address. Kernel space maps each device there.
[[nodiscard]] constexpr u64 device_address(u64 physical) {
#if defined(BIFOLIUM_VIEW_MIRRORED)
  return physical < mirror_limit ? physical + LAYOUT_LOW_DEVICE_ALIAS : physical;
#else
  return physical + kernel_offset;
#endif
}

/// Section borders from the linker script, as kernel addresses (page-aligned).
extern "C" {
extern char kernel_start[];      ///< first byte of text (entry)
extern char kernel_text_end[];   ///< text: R-X
extern char trampoline_start[];  ///< the one page of trap entry and exit, inside text
extern char kernel_rodata_end[]; ///< rodata: R--
extern char kernel_end[];        ///< data, bss: RW-; free memory begins here
}

}  // namespace arch
#endif
