#include "process/fault_report.hpp"

#include <atomic>

#include "arch/riscv64/csr.hpp"
#include "lib/format.hpp"
#include "mm/tables.hpp"
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
  if (lines_this_second.fetch_add(1, std::memory_order_relaxed) < lines_per_second) return true;
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
  std::array<char, 320> text_{};
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

/// The walk: index and entry of each level, and why it ends.
void add_walk(Line& line, const mm::AddressSpace& memory, sv39::Access access, sv39::VirtAddr va) {
  const sv39::Walk walk = sv39::explain(mm::TableMemory{}, memory.root().address(), va);
  line.add("; walk of 0x{:x}:", walk.root.value());
  for (unsigned i = 0; i < walk.step_count; ++i) {
    const sv39::WalkStep& step = walk.steps[i];
    line.add(" L{}[{}]=0x{:x}", static_cast<u32>(step.level), step.index, step.entry.raw());
  }
  line.add(", {}", sv39::describe(walk.verdict(access, sv39::Privilege::user)));
}

}  // namespace

void report_fault(const Process& process, sv39::Access access, sv39::VirtAddr va, mm::FaultResult result) {
  if (!may_print()) return;
  Line line;
  line.add("pid {} ({}) ended: {} 0x{:x} at pc 0x{:x}", process.pid, process.program(), describe(access), va.value(),
           process.frame().epc);
  if (result == mm::FaultResult::no_memory) line.add(", but memory is exhausted");
  add_walk(line, *process.memory, access, va);
  line.print();
}

void report_exception(const Process& process, u64 cause, u64 value) {
  if (!may_print()) return;
  Line line;
  line.add("pid {} ({}) ended: {} at pc 0x{:x}, value 0x{:x}", process.pid, process.program(),
           arch::describe(static_cast<arch::Cause>(cause)), process.frame().epc, value);
  line.print();
}

}  // namespace process
