// SPDX-License-Identifier: MIT
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

/// Counts what a page table's user half maps, for another process's table, which may change while it is read: every
/// entry is checked before it is followed. In pieces, for the table may be large and its process is held by a lock.
class CarefulCount {
 public:
  /// Counts on. False: there is more, and others should have their turn first.
  [[nodiscard]] bool go_on(sv39::Ppn root) {
    constexpr u32 tables_in_a_piece = 128;
    constexpr u64 end = u64{sv39::entries_per_table / 2} * sv39::entries_per_table;
    if (next_ == 0) ++figures_.table_frames;  // the root
    for (u32 tables = 0; next_ < end; ++next_) {
      const u64 index = next_ % sv39::entries_per_table;
      const sv39::Pte upper = entry(root, next_ / sv39::entries_per_table);
      if (!upper.is_table()) {
        count_leaf(upper, sv39::Level::giga);
        next_ += sv39::entries_per_table - 1 - index;
        continue;
      }
      if (index == 0) ++figures_.table_frames;
      const sv39::Pte lower = entry(upper.ppn(), index);
      if (!lower.is_table()) {
        count_leaf(lower, sv39::Level::mega);
        continue;
      }
      count_table(lower.ppn());
      if (++tables == tables_in_a_piece) {
        ++next_;
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] const MappedFigures& figures() const { return figures_; }

 private:
  [[nodiscard]] sv39::Pte entry(sv39::Ppn table, u64 index) const {
    const auto raw = memory_.read(table.address() + index * sizeof(u64));
    return raw ? sv39::Pte::from_raw(*raw) : sv39::Pte();
  }
  void count_leaf(sv39::Pte pte, sv39::Level level) {
    if (pte.is_leaf() && pte.is_user()) figures_.resident_pages += sv39::pages_of(level);
  }
  void count_table(sv39::Ppn table) {
    if (!mm::frames().contains(table)) return;
    ++figures_.table_frames;
    for (u32 i = 0; i < sv39::entries_per_table; ++i) count_leaf(entry(table, i), sv39::Level::base);
  }

  mm::TableMemory memory_;
  MappedFigures figures_;
  u64 next_ = 0;  ///< 2 MiB part of the user half
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

std::optional<abi::ProcInfo> Table::describe_briefly(usize slot) {
  locks::Guard guard(lock_);
  return describe_locked(slot);
}

std::optional<abi::ProcInfo> Table::describe(usize slot) {
  CarefulCount count;
  for (i32 pid = 0;; sched::give_way()) {
    // The lock keeps the process from being reaped, so its address space's frame stays what it is.
    locks::Guard guard(lock_);
    auto info = describe_locked(slot);
    if (!info || (pid != 0 && info->pid != pid)) return std::nullopt;
    pid = info->pid;
    const bool has_run = info->hart >= 0;
    if (has_run && !count.go_on(slots_[slot].memory->root())) continue;
    info->resident_pages = count.figures().resident_pages;
    info->table_frames = count.figures().table_frames;
    return info;
  }
}

std::optional<abi::ProcInfo> Table::describe_locked(usize slot) const {
  const Process& process = slots_[slot];
  if (process.life_ == Life::unused) return std::nullopt;
  abi::ProcInfo info{};
  info.pid = process.pid;
  info.parent = process.parent_ != nullptr ? process.parent_->pid : 0;
  info.state = state_of(process, process.life_);
  const bool has_run = process.life_ == Life::alive || process.life_ == Life::zombie;
  info.hart = has_run ? static_cast<i32>(process.hart) : -1;
  std::copy(process.program_.begin(), process.program_.end(), info.name);
  if (has_run) info.size = process.memory->program_break();
  return info;
}

void Table::print_tables(mm::TableFormat format, mm::TextSink sink) {
  for (Process& process : slots_) {
    if (!sink.wants_more()) return;
    locks::Guard guard(lock_);
    if (process.life_ != Life::alive) continue;
    const bool readable =
        &process == &sched::current() || process.state.load(std::memory_order_relaxed) == sched::State::sleeping;
    if (!readable) continue;
    std::array<char, 48> title;
    sink.put(sink.context, lib::format_to(title, "{} {}: ", process.pid, process.program()));
    mm::print_table(*process.memory, format, sink);
  }
}

}  // namespace process
