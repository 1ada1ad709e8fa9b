// SPDX-License-Identifier: MIT
#pragma once
// Bytes in bulk. The kernel's versions are unrolled assembly (arch/riscv64/memory.S); the host has its C library's.

#include <cstring>

#include "lib/types.hpp"

namespace lib {

inline constexpr usize page_bytes = 4096;

#if defined(__riscv) && __STDC_HOSTED__ == 0
extern "C" void lib_zero_page(void* page);
extern "C" void lib_copy_page(void* to, const void* from);
#endif

/// Clears one 4 KiB page (523 instructions). Precondition: page-aligned.
inline void zero_page(void* page) {
#if defined(__riscv) && __STDC_HOSTED__ == 0
  lib_zero_page(page);
#else
  std::memset(page, 0, page_bytes);
#endif
}

/// Copies one 4 KiB page (1,051 instructions). Precondition: both page-aligned and distinct.
inline void copy_page(void* to, const void* from) {
#if defined(__riscv) && __STDC_HOSTED__ == 0
  lib_copy_page(to, from);
#else
  std::memcpy(to, from, page_bytes);
#endif
}

}  // namespace lib
