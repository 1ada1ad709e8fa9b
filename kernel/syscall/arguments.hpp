// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string_view>

#include "abi/limits.hpp"
#include "arch/riscv64/trap_frame.hpp"
#include "lib/result.hpp"
#include "process/process.hpp"
#include "syscall/call_table.hpp"

// Decoding a system call's arguments. Every one is hostile: a register may hold anything.
namespace calls {

/// Register a0..a5 as the program left it. xv6: argraw, argaddr.
[[nodiscard]] inline u64 argument(const process::Process& self, usize index) { return (&self.frame().a0)[index]; }

/// The same as C's int: the low 32 bits, signed. xv6: argint.
[[nodiscard]] inline i32 integer_argument(const process::Process& self, usize index) {
  return static_cast<i32>(argument(self, index));
}

using PathBuffer = std::array<char, abi::max_path>;

/// Copies a path of at most max_path bytes with its NUL from user memory, once. xv6: argstr.
[[nodiscard]] lib::Result<std::string_view> fetch_path(process::Process& self, u64 address, PathBuffer& buffer);

/// Copies one object from or to user memory; true when all of it went over.
[[nodiscard]] bool fetch_bytes(process::Process& self, u64 address, void* to, usize count);
[[nodiscard]] bool store_bytes(process::Process& self, u64 address, const void* from, usize count);

template <typename T>
[[nodiscard]] bool fetch(process::Process& self, u64 address, T& to) {
  static_assert(std::is_trivially_copyable_v<T>);
  return fetch_bytes(self, address, &to, sizeof to);
}
/// What leaves the kernel says something in each of its bytes: a gap that the compiler leaves between two members
/// would carry what the stack held before.
template <typename T>
concept WithoutGaps = std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>;

template <WithoutGaps T>
[[nodiscard]] bool store(process::Process& self, u64 address, const T& from) {
  return store_bytes(self, address, &from, sizeof from);
}

/// What a handler returns for an outcome without a value, and with one.
[[nodiscard]] inline u64 status_of(const lib::Result<void>& outcome) { return outcome ? 0 : failed; }

}  // namespace calls
