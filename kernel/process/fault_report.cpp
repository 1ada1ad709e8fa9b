// SPDX-License-Identifier: MIT
#include "process/fault_report.hpp"

#include <atomic>
#include <optional>

#include "arch/riscv64/csr.hpp"
#include "lib/format.hpp"
#include "process/program_symbols.hpp"
#include "report/callers.hpp"
#include "report/walk.hpp"

namespace process {

namespace {

constexpr u32 lines_per_second = 20;

std::atomic<u64> current_second{0};
std::atomic<u32> lines_this_second{0};
std::atomic<u32> unreported{0};

bool may_print() {
  const u64 second = sched::uptime_ticks() / abi::ticks_per_second;
  if (current_second.exchange(second, std::memory_order_relaxed) != second) {
    lines_this_second.store(0, std::memory_order_relaxed);
  }
  const u32 line = lines_this_second.fetch_add(1, std::memory_order_relaxed);
  if (line < lines_per_second) return true;
  if (line == lines_per_second) {
    lib::print("more programs end for faults than {} in a second: these are counted, not shown\n", lines_per_second);
  }
  unreported.fetch_add(1, std::memory_order_relaxed);
  return false;
}

/// Prints `line`, and how many lines were kept back before it.
void print(report::Line& line) {
  if (const u32 skipped = unreported.exchange(0, std::memory_order_relaxed)) line.add("; {} more not shown", skipped);
  line.print();
}

const char* describe(sv39::Access access) {
  switch (access) {
    case sv39::Access::read: return "load from";
    case sv39::Access::write: return "store to";
    case sv39::Access::execute: return "jump to";
  }
  return "access to";
}

/// What an access fault's access was; nothing for other causes.
std::optional<sv39::Access> access_of_access_fault(arch::Cause cause) {
  switch (cause) {
    case arch::Cause::load_access: return sv39::Access::read;
    case arch::Cause::store_access: return sv39::Access::write;
    case arch::Cause::instruction_access: return sv39::Access::execute;
    default: return std::nullopt;
  }
}

void add_walk(report::Line& line, const Process& process, sv39::Access access, sv39::VirtAddr va) {
  line.add("; ");
  report::add_walk(line, report::walk_of(process.memory->root().address(), va), access, sv39::Privilege::user);
}

const mm::Region* region_of(const Process& process, sv39::VirtAddr va) {
  for (const mm::Region& region : process.memory->regions()) {
    if (region.contains(va)) return &region;
  }
  return nullptr;
}

void add_place(report::Line& line, const Process& process, const ProgramSymbols& symbols) {
  line.add(" at pc 0x{:x}", process.frame().epc);
  if (const auto name = symbols.find(process.frame().epc)) line.add(" ({} + 0x{:x})", name->view(), name->offset);
}

/// A line with the callers, where the program's file has names for them.
void report_callers(const Process& process, const ProgramSymbols& symbols) {
  constexpr u32 most_told = 8;
  if (!symbols.available()) return;
  const auto read_stack = [&process](u64 at) -> std::optional<report::SavedFrame> {
    report::SavedFrame saved{};
    if (!process.memory->copy_in(&saved, sv39::VirtAddr(at), sizeof saved).ok()) return std::nullopt;
    return saved;
  };
  report::Callers callers(read_stack, process.frame().s0, process.frame().sp);
  u64 first = callers.next();
  if (first != 0 && !symbols.find(first)) {
    callers.leave_leaf();
    first = process.frame().ra;
  }
  report::Line line;
  u32 told = 0;
  const u64 rest = report::tell_callers(callers, first, [&](u64 address, u32 times) {
    const auto name = told < most_told ? symbols.find(address) : std::nullopt;
    if (!name) return false;
    line.add("{}{} + 0x{:x}", told++ == 0 ? "  called from " : ", ", name->view(), name->offset);
    if (times > 1) line.add(" ({} times)", times);
    return true;
  });
  if (told == 0) return;
  if (rest != 0 && told == most_told) line.add(", ...");
  print(line);
}

}  // namespace

void report_fault(const Process& process, sv39::Access access, sv39::VirtAddr va, mm::FaultResult result) {
  if (!may_print()) return;
  const ProgramSymbols symbols(process, process.frame().epc);
  const mm::Region* const region = region_of(process, va);
  const bool in_guard = region != nullptr && region->kind == mm::RegionKind::guard;
  report::Line line;
  line.add("pid {} ({}) ended: {}{} 0x{:x}", process.pid, process.program(), in_guard ? "stack overflow, " : "",
           describe(access), va.value());
  if (in_guard) line.add(" in the guard below the stack");
  add_place(line, process, symbols);
  if (result == mm::FaultResult::no_memory) line.add(", but memory is exhausted");
  add_walk(line, process, access, va);
  print(line);
  report_callers(process, symbols);
}

void report_exception(const Process& process, u64 cause, u64 value) {
  if (!may_print()) return;
  const ProgramSymbols symbols(process, process.frame().epc);
  report::Line line;
  line.add("pid {} ({}) ended: {}", process.pid, process.program(), arch::describe(static_cast<arch::Cause>(cause)));
  add_place(line, process, symbols);
  line.add(", value 0x{:x}", value);
  if (const auto access = access_of_access_fault(static_cast<arch::Cause>(cause))) {
    add_walk(line, process, *access, sv39::VirtAddr(value));
  }
  print(line);
  report_callers(process, symbols);
}

}  // namespace process
