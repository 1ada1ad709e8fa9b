// SPDX-License-Identifier: MIT
#include "process/fault_report.hpp"

#include <array>
#include <atomic>
#include <optional>

#include "arch/riscv64/csr.hpp"
#include "dev/machine.hpp"
#include "lib/format.hpp"
#include "mm/tables.hpp"
#include "process/program_symbols.hpp"
#include "sv39/explain.hpp"

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

/// One line, put together before it is printed so that no other hart's text tears it.
class Line {
 public:
  template <typename... Arguments>
  void add(lib::FormatString<Arguments...> format, const Arguments&... arguments) {
    length_ += lib::format_to<Arguments...>(std::span(text_).subspan(length_), format, arguments...).size();
  }
  void print() {
    if (const u32 skipped = unreported.exchange(0, std::memory_order_relaxed)) add("; {} more not shown", skipped);
    lib::print("{}\n", std::string_view(text_.data(), length_));
  }

 private:
  std::array<char, 400> text_{};
  usize length_ = 0;
};

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

/// Where a walk leads that the table permits, and the machine has nothing.
void add_outside(Line& line, const sv39::Walk& walk) {
  const auto& ram = dev::machine().memory;
  if (!walk.found() || walk.physical.value() - ram.base < ram.size) return;
  line.add(", ends with a page mapped outside memory: 0x{:x}, by the entry at 0x{:x}", walk.physical.value(),
           walk.steps[walk.step_count - 1].entry_address.value());
}

/// The walk: index and entry of each level, and why it ends.
void add_walk(Line& line, const mm::AddressSpace& memory, sv39::Access access, sv39::VirtAddr va) {
  const sv39::Walk walk = sv39::explain(mm::TableMemory{}, memory.root().address(), va);
  line.add("; walk of 0x{:x}:", walk.root.value());
  for (unsigned i = 0; i < walk.step_count; ++i) {
    const sv39::WalkStep& step = walk.steps[i];
    line.add(" L{}[{}]=0x{:x}", static_cast<u32>(step.level), step.index, step.entry.raw());
  }
  line.add(", {}", sv39::describe(walk.verdict(access, sv39::Privilege::user)));
  add_outside(line, walk);
}

const mm::Region* region_of(const Process& process, sv39::VirtAddr va) {
  for (const mm::Region& region : process.memory->regions()) {
    if (region.contains(va)) return &region;
  }
  return nullptr;
}

void add_place(Line& line, const Process& process, const ProgramSymbols& symbols) {
  line.add(" at pc 0x{:x}", process.frame().epc);
  if (const auto name = symbols.find(process.frame().epc)) line.add(" ({} + 0x{:x})", name->view(), name->offset);
}

/// The program's own frames, from the frame pointers on its stack; nothing there is believed.
class UserFrames {
 public:
  explicit UserFrames(const Process& process)
      : process_(process), pointer_(process.frame().s0), lowest_(process.frame().sp) {}

  /// The next return address, 0 at the end.
  u64 next() {
    struct Saved {
      u64 frame_pointer;
      u64 return_address;
    } saved{};
    if (pointer_ % 8 != 0 || pointer_ < lowest_ || pointer_ < sizeof saved) return 0;
    const auto got = process_.memory->copy_in(&saved, sv39::VirtAddr(pointer_ - sizeof saved), sizeof saved);
    if (!got.ok()) return 0;
    lowest_ = pointer_ + 8;  // towards older frames only
    pointer_ = saved.frame_pointer;
    return last_ = saved.return_address;
  }

  /// What next() gave was no code: a function that calls nothing saves its caller's frame pointer alone, where others
  /// save their return address, which it still has in ra.
  u64 leave_leaf() {
    pointer_ = last_;
    return process_.frame().ra;
  }

 private:
  const Process& process_;
  u64 pointer_;
  u64 lowest_;
  u64 last_ = 0;
};

/// A line with the callers, where the program's file has names for them; a recursion is told once, with its depth.
void report_callers(const Process& process, const ProgramSymbols& symbols) {
  constexpr u32 most_frames = 1024, most_told = 8;
  if (!symbols.available()) return;
  UserFrames frames(process);
  Line line;
  u64 address = frames.next();
  if (address != 0 && !symbols.find(address)) address = frames.leave_leaf();
  u32 told = 0;
  for (u32 left = most_frames; address != 0 && left > 0 && told < most_told; ++told) {
    const auto name = symbols.find(address);
    if (!name) break;
    line.add("{}{} + 0x{:x}", told == 0 ? "  called from " : ", ", name->view(), name->offset);
    const u64 same = address;
    u32 times = 0;
    for (; address == same && left > 0; ++times, --left) address = frames.next();
    if (times > 1) line.add(" ({} times)", times);
  }
  if (told == 0) return;
  if (address != 0 && told == most_told) line.add(", ...");
  line.print();
}

}  // namespace

void report_fault(const Process& process, sv39::Access access, sv39::VirtAddr va, mm::FaultResult result) {
  if (!may_print()) return;
  const ProgramSymbols symbols(process, process.frame().epc);
  const mm::Region* const region = region_of(process, va);
  const bool in_guard = region != nullptr && region->kind == mm::RegionKind::guard;
  Line line;
  line.add("pid {} ({}) ended: {}{} 0x{:x}", process.pid, process.program(), in_guard ? "stack overflow, " : "",
           describe(access), va.value());
  if (in_guard) line.add(" in the guard below the stack");
  add_place(line, process, symbols);
  if (result == mm::FaultResult::no_memory) line.add(", but memory is exhausted");
  add_walk(line, *process.memory, access, va);
  line.print();
  report_callers(process, symbols);
}

void report_exception(const Process& process, u64 cause, u64 value) {
  if (!may_print()) return;
  const ProgramSymbols symbols(process, process.frame().epc);
  Line line;
  line.add("pid {} ({}) ended: {}", process.pid, process.program(), arch::describe(static_cast<arch::Cause>(cause)));
  add_place(line, process, symbols);
  line.add(", value 0x{:x}", value);
  if (const auto access = access_of_access_fault(static_cast<arch::Cause>(cause))) {
    add_walk(line, *process.memory, *access, sv39::VirtAddr(value));
  }
  line.print();
  report_callers(process, symbols);
}

}  // namespace process
