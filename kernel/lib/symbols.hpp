// SPDX-License-Identifier: MIT
#pragma once
// Names for kernel addresses, so that a backtrace can be read without a debugger.
//
// The linker cannot write this table. The build reserves a place for it (arch/riscv64/symbol_table.S, from
// symbol_table_start to symbol_table_end) and fills it after the link (tools/guest/symbols.py): u32 count, then `count`
// pairs {u32 offset from the start of the kernel, u32 offset of the name from the table's start} sorted by address,
// then the names, each ended by NUL.
// In a kernel whose table was never filled, count is 0 and every look-up says "unknown".

#include <optional>
#include <span>
#include <string_view>

#include "lib/types.hpp"

namespace lib {

struct Symbol {
  std::string_view name;  ///< demangled, without parameters: "mm::AddressSpace::fault"
  u64 offset;  ///< bytes from the symbol's start to the address asked for
};

/// The symbol that covers the byte `kernel_offset` bytes behind the start of the kernel. The table is checked while
/// it is read, so a damaged one gives no answer rather than a wild read.
[[nodiscard]] std::optional<Symbol> find_symbol(std::span<const u8> table, u64 kernel_offset);

}  // namespace lib
