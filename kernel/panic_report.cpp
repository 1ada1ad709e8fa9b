// SPDX-License-Identifier: MIT
#include "panic_report.hpp"

#include <optional>
#include <span>

#include "arch/port.hpp"
#include "dev/machine.hpp"
#include "lib/format.hpp"
#include "lib/symbols.hpp"
#include "mm/kernel_space.hpp"
#include "sv39/explain.hpp"

extern "C" const u8 symbol_table_start[];
extern "C" const u8 symbol_table_end[];

namespace report {

namespace {

/// Any part of RAM, through the direct map; tables may be anywhere and hold anything.
struct RamReader {
  [[nodiscard]] std::optional<u64> read(sv39::PhysAddr address) const {
    const auto& memory = dev::machine().memory;
    if (address.value() % 8 != 0 || address.value() - memory.base >= memory.size) return std::nullopt;
    return *static_cast<const volatile u64*>(arch::to_kernel(address));
  }
};

/// Whether nothing answers at a physical address: neither RAM nor a device that the kernel uses.
bool is_outside(sv39::PhysAddr address) {
  const auto& machine = dev::machine();
  const auto holds = [address](const auto& region) { return address.value() - region.base < region.size; };
  if (holds(machine.memory)) return false;
  for (u32 i = 0; i < machine.window_count; ++i) {
    if (holds(machine.windows[i])) return false;
  }
  return true;
}

void print_step(const sv39::WalkStep& step, bool last, const sv39::Walk& walk) {
  lib::print("  level {}: table {:p} + 8*{} = {:p}", static_cast<unsigned>(step.level), step.table.value(), step.index,
             step.entry_address.value());
  if (last && walk.end == sv39::WalkEnd::table_outside_memory) {
    lib::print(": not in RAM   <-- the walk fails here\n");
    return;
  }
  const u64 pte = step.entry.raw();
  char flags[] = "--------";
  const char names[] = "vrwxugad";
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((pte >> bit & 1) != 0) flags[bit] = names[bit];
  }
  lib::print(": entry {:p} {}", pte, static_cast<const char*>(flags));
  if (!last) {
    lib::print(" -> table {:p}\n", step.entry.ppn().address().value());
  } else if (walk.found()) {
    lib::print(" -> {:p}\n", walk.physical.value());
  } else {
    lib::print("   <-- the walk fails here\n");
  }
}

/// Kernel stacks have a hole below each (mirrored: all stacks share one place).
bool is_stack_guard(u64 address) {
  for (u32 slot = 0; slot < mm::KernelSpace::stack_slots; ++slot) {
    if (mm::kernel_space().stack(slot).begin().value() - address - 1 < LAYOUT_PAGE_SIZE) return true;
  }
  return false;
}

}  // namespace

void print_walk(sv39::PhysAddr root, sv39::VirtAddr va, sv39::Access access, sv39::Privilege privilege) {
  lib::print("walk of {:p} ({})\n", va.value(), place_of(va.value()));
  if (root.value() == 0) {
    lib::print("  there is no table: root is 0\n");
    return;
  }
  const sv39::Walk walk = sv39::explain(RamReader{}, root, va);
  for (unsigned i = 0; i < walk.step_count; ++i) print_step(walk.steps[i], i + 1 == walk.step_count, walk);
  if (walk.found() && is_outside(walk.physical)) {
    lib::print(
        "  so: the walk ends with a page mapped outside: {:p} is neither RAM nor a device (entry {:p} at {:p})\n",
        walk.physical.value(), walk.last_entry().raw(), walk.steps[walk.step_count - 1].entry_address.value());
    return;
  }
  lib::print("  so: {}\n", sv39::describe(walk.verdict(access, privilege)));
}

std::string_view place_of(u64 address) {
  const auto in = [address](const char* from, const char* to) {
    return address >= reinterpret_cast<u64>(from) && address < reinterpret_cast<u64>(to);
  };
  if (in(arch::kernel_start, arch::kernel_text_end)) return "kernel text";
  if (in(arch::kernel_text_end, arch::kernel_rodata_end)) return "kernel read-only data";
  if (in(arch::kernel_rodata_end, arch::kernel_end)) return "kernel data";
  const auto& memory = dev::machine().memory;
  if (address - arch::kernel_offset - memory.base < memory.size) return "direct map of RAM";
  if (address >= arch::trampoline_address && address - arch::trampoline_address < LAYOUT_PAGE_SIZE) return "TRAMPOLINE";
  if (address >= arch::trapframe_address && address < arch::trampoline_address) return "TRAPFRAME";
  if (is_stack_guard(address)) return "guard page below a kernel stack";
  if (address < LAYOUT_PAGE_SIZE) return "page 0: a null pointer, or a program's first page";
  if (address < sv39::user_half_end) return "user half";
  return address >= sv39::upper_half_begin ? "kernel half" : "not canonical";
}

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

void print_backtrace(u64 first_return_address, u64 frame_pointer, u64 stack_bottom, u64 stack_top) {
  lib::print("backtrace\n  ");
  print_code_address(first_return_address);
  constexpr int most_lines = 32;
  u64 last = first_return_address, repeated = 0;
  const auto tell_repeated = [&repeated] {
    if (repeated != 0) lib::print("    ... and {} times more from there\n", repeated);
    repeated = 0;
  };
  for (int lines = 0; lines < most_lines;) {
    // The frame pointer points above the saved pair: return address at -8, the caller's frame pointer at -16.
    if (frame_pointer % 8 != 0 || frame_pointer < stack_bottom + 16 || frame_pointer > stack_top) break;
    const u64* frame = reinterpret_cast<const u64*>(frame_pointer);
    if (frame[-1] == 0) break;
    if (frame[-1] == last) {
      ++repeated;  // a recursion: the rest is what matters
    } else {
      tell_repeated();
      lib::print("  ");
      print_code_address(frame[-1]);
      last = frame[-1];
      ++lines;
    }
    if (frame[-2] <= frame_pointer) break;  // towards older frames only
    frame_pointer = frame[-2];
  }
  tell_repeated();
}

}  // namespace report
