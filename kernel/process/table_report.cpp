#include "lib/format.hpp"
#include "mm/tables.hpp"
#include "process/table.hpp"

// What others may see of processes: ps and the console's report.
namespace process {

namespace {

struct MappedFigures {
  u64 resident_pages = 0;
  u64 table_frames = 0;
};

/// Counts what a page table's user half maps, for another process's table, which may change while it is read:
/// every entry is checked before it is followed, and a walk that meets more tables than there are frames
/// ends.
class CarefulCount {
 public:
  MappedFigures count(sv39::Ppn root) {
    visit(root, sv39::root_level);
    return figures_;
  }

 private:
  void visit(sv39::Ppn table, sv39::Level level) {
    if (!mm::frames().contains(table) || ++figures_.table_frames > mm::frames().ram_count()) return;
    const u32 entries = level == sv39::root_level ? sv39::entries_per_table / 2 : sv39::entries_per_table;
    for (u32 i = 0; i < entries; ++i) {
      const auto raw = memory_.read(table.address() + i * sizeof(u64));
      if (raw && *raw != 0) visit_entry(sv39::Pte::from_raw(*raw), level);
    }
  }
  void visit_entry(sv39::Pte entry, sv39::Level level) {
    if (entry.is_leaf()) {
      if (entry.is_user()) figures_.resident_pages += sv39::pages_of(level);
    } else if (entry.is_table() && level != sv39::Level::base) {
      visit(entry.ppn(), sv39::below(level));
    }
  }

  mm::TableMemory memory_;
  MappedFigures figures_;
};

abi::ProcessState state_of(const Process& process, Life life) {
  if (life == Life::embryo) return abi::ProcessState::starting;
  if (life == Life::zombie || life == Life::reaped) return abi::ProcessState::zombie;
  switch (process.state.load(std::memory_order_relaxed)) {
    case sched::State::running: return abi::ProcessState::running;
    case sched::State::sleeping: return abi::ProcessState::sleeping;
    default: return abi::ProcessState::runnable;
  }
}

}  // namespace

std::optional<abi::ProcInfo> Table::describe(usize slot) {
  // The lock keeps the process from being reaped, so its address space's frame stays what it is.
  sync::Guard guard(lock_);
  const Process& process = slots_[slot];
  if (process.life_ == Life::unused) return std::nullopt;
  abi::ProcInfo info{};
  info.pid = process.pid;
  info.parent = process.parent_ != nullptr ? process.parent_->pid : 0;
  info.state = state_of(process, process.life_);
  const bool has_run = process.life_ == Life::alive || process.life_ == Life::zombie;
  info.hart = has_run ? static_cast<i32>(process.hart) : -1;
  std::copy(process.program_.begin(), process.program_.end(), info.name);
  if (has_run) {
    info.size = process.memory->program_break();
    const MappedFigures figures = CarefulCount().count(process.memory->root());
    info.resident_pages = figures.resident_pages;
    info.table_frames = figures.table_frames;
  }
  return info;
}

void Table::print_tables(mm::TableFormat format, mm::TextSink sink) {
  for (Process& process : slots_) {
    sync::Guard guard(lock_);
    if (process.life_ != Life::alive) continue;
    const bool readable =
        &process == &sched::current() || process.state.load(std::memory_order_relaxed) == sched::State::sleeping;
    if (!readable) continue;
    std::array<char, 48> title;
    sink.put(sink.context, lib::format_to(title, "{} {}: ", process.pid, process.program()));
    process.memory->print(format, sink);
  }
}

}  // namespace process
