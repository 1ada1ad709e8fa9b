// SPDX-License-Identifier: MIT
#include "report/walk.hpp"

#include <optional>

#include "arch/port.hpp"
#include "dev/machine.hpp"
#include "lib/format.hpp"
#include "mm/kernel_space.hpp"

namespace report {

namespace {

/// Any part of RAM, through the direct map.
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

void print_step(const sv39::Walk& walk, unsigned index) {
  const sv39::WalkStep& step = walk.steps[index];
  const bool last = index + 1 == walk.step_count;
  Line line;
  line.add("  level {}: table {:p} + 8*{} = {:p}", static_cast<unsigned>(step.level), step.table.value(), step.index,
           step.entry_address.value());
  if (last && walk.end == sv39::WalkEnd::table_outside_memory) {
    line.add(": not in RAM   <-- the walk fails here");
    return line.print();
  }
  const u64 pte = step.entry.raw();
  char flags[] = "--------";
  const char names[] = "vrwxugad";
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((pte >> bit & 1) != 0) flags[bit] = names[bit];
  }
  line.add(": entry {:p} {}", pte, static_cast<const char*>(flags));
  if (!last) {
    line.add(" -> table {:p}", step.entry.ppn().address().value());
  } else if (walk.found()) {
    line.add(" -> {:p}", walk.physical.value());
  } else {
    line.add("   <-- the walk fails here");
  }
  line.print();
}

/// Kernel stacks have a hole below each (mirrored: all stacks share one place).
bool is_stack_guard(u64 address) {
  for (u32 slot = 0; slot < mm::KernelSpace::stack_slots; ++slot) {
    if (mm::kernel_space().stack(slot).begin().value() - address - 1 < LAYOUT_PAGE_SIZE) return true;
  }
  return false;
}

}  // namespace

sv39::Walk walk_of(sv39::PhysAddr root, sv39::VirtAddr va) { return sv39::explain(RamReader{}, root, va); }

void add_conclusion(Line& line, const sv39::Walk& walk, sv39::Access access, sv39::Privilege privilege) {
  if (walk.found() && is_outside(walk.physical)) {
    line.add("the walk ends with a page mapped outside: 0x{:x} is neither RAM nor a device (entry 0x{:x} at 0x{:x})",
             walk.physical.value(), walk.last_entry().raw(), walk.steps[walk.step_count - 1].entry_address.value());
  } else {
    line.add("{}", sv39::describe(walk.verdict(access, privilege)));
  }
}

void add_walk(Line& line, const sv39::Walk& walk, sv39::Access access, sv39::Privilege privilege) {
  line.add("walk of 0x{:x}:", walk.root.value());
  for (unsigned i = 0; i < walk.step_count; ++i) {
    const sv39::WalkStep& step = walk.steps[i];
    line.add(" L{}[{}]=0x{:x}", static_cast<u32>(step.level), step.index, step.entry.raw());
  }
  line.add(", ");
  add_conclusion(line, walk, access, privilege);
}

void print_walk(const sv39::Walk& walk, sv39::Access access, sv39::Privilege privilege) {
  lib::print("walk of {:p} ({})\n", walk.va.value(), place_of(walk.va.value()));
  if (walk.root.value() == 0) {
    lib::print("  there is no table: root is 0\n");
    return;
  }
  for (unsigned i = 0; i < walk.step_count; ++i) print_step(walk, i);
  Line line;
  line.add("  so: ");
  add_conclusion(line, walk, access, privilege);
  line.print();
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

}  // namespace report
