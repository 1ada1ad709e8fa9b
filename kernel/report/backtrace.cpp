// SPDX-License-Identifier: MIT
#include "report/backtrace.hpp"

#include <span>

#include "arch/port.hpp"
#include "lib/format.hpp"
#include "lib/symbols.hpp"
#include "report/callers.hpp"
#include "report/walk.hpp"

extern "C" const u8 symbol_table_start[];
extern "C" const u8 symbol_table_end[];

namespace report {

namespace {

void print_code_address(u64 address) {
  const std::span<const u8> table(symbol_table_start, symbol_table_end);
  const u64 start = reinterpret_cast<u64>(arch::kernel_start);
  lib::print("{:p}", address);
  if (address < start || address >= reinterpret_cast<u64>(arch::kernel_text_end)) {
    lib::print(" ({})", place_of(address));
  } else if (const auto symbol = lib::find_symbol(table, address - start)) {
    lib::print(" {} + {}", symbol->name, symbol->offset);
  }
  lib::print("\n");
}

}  // namespace

void print_backtrace(u64 address, u64 frame_pointer, u64 stack_bottom, u64 stack_top) {
  constexpr u32 most_lines = 32;
  const auto read_stack = [=](u64 at) -> std::optional<SavedFrame> {
    if (at < stack_bottom || at + sizeof(SavedFrame) > stack_top) return std::nullopt;
    return *reinterpret_cast<const SavedFrame*>(at);
  };
  lib::print("backtrace\n");
  u32 lines = 0;
  Callers callers(read_stack, frame_pointer, stack_bottom);
  tell_callers(callers, address, [&](u64 caller, u32 times) {
    lib::print("  ");
    print_code_address(caller);
    if (times > 1) lib::print("    ... and {} times more from there\n", times - 1);  // a recursion: the rest matters
    return ++lines < most_lines;
  });
}

}  // namespace report
