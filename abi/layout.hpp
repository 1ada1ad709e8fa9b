// SPDX-License-Identifier: MIT
#pragma once
// Addresses that programs and tools know (xv6: kernel/memlayout.h, riscv.h).

#include <cstdint>

namespace abi {

inline constexpr std::uint64_t page_size = 4096;  ///< PGSIZE
inline constexpr std::uint64_t megapage_size = 2 * 1024 * 1024;  ///< SUPERPGSIZE

/// User addresses are [0, user_top): half of what Sv39 could give, as in xv6, so that no user address is
/// sign-extended (MAXVA).
inline constexpr std::uint64_t user_top = std::uint64_t{1} << 38;

/// The three pages at the top of every user table.
inline constexpr std::uint64_t trampoline = user_top - page_size;
inline constexpr std::uint64_t trapframe = trampoline - page_size;
inline constexpr std::uint64_t usyscall = trapframe - page_size;  ///< user-readable, abi::Usyscall

/// Where RAM begins, and how much of it xv6's tests take for granted.
inline constexpr std::uint64_t kernel_base = 0x80000000;  ///< KERNBASE
inline constexpr std::uint64_t xv6_ram_size = 128 * 1024 * 1024;  ///< PHYSTOP - KERNBASE

static_assert(trampoline == 0x3ffffff000 && trapframe == 0x3fffffe000 && usyscall == 0x3fffffd000);

}  // namespace abi
