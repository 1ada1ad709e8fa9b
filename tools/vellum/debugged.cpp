// SPDX-License-Identifier: MIT
#include "tools/vellum/debugged.hpp"

#include <algorithm>
#include <utility>

#include "vellum/machine/machine_impl.hpp"
#include "vellum/machine/timeline_impl.hpp"

template class vellum::Machine<vellum_tool::Watcher>;
template class vellum::Timeline<vellum_tool::Watcher>;

namespace vellum_tool {

namespace {

using vellum::StopReason;
using vellum::u32;
using vellum::u64;
using vellum::WhenIdle;

constexpr std::size_t past_bytes = std::size_t{512} << 20;
constexpr std::size_t remembered_inputs = 65536, remembered_bytes = std::size_t{1} << 20;
// A step back costs at most this many instructions executed again.
constexpr u64 steps_between_snapshots = 5'000'000;

}  // namespace

Debugged::Debugged(const Parts& parts, const Settings& settings)
    : MachineVm<Watcher>(parts, settings, watcher),
      frames_(Mapping::anonymous(past_bytes)),
      links_(2 * past_bytes / vellum::page_bytes),
      marks_(machine().memory().page_count()),
      typed_(remembered_bytes),
      events_(remembered_inputs) {
  watcher.note = [this](const vellum::Hart& hart, std::optional<Watchpoint> watch, u64 address) {
    note(hart, watch, address);
  };
  (void)restart();
}

bool Debugged::restart() {
  watcher.keeper = nullptr;
  if (!MachineVm<Watcher>::restart()) return false;
  const vellum::TimelineStorage storage{frames_.bytes(), links_, marks_, events_, typed_};
  timeline_ = std::make_unique<vellum::Timeline<Watcher>>(machine(), storage);
  watcher.keeper = timeline_.get();
  return true;
}

void Debugged::note(const vellum::Hart& hart, std::optional<Watchpoint> watch, u64 address) {
  if (mode_ == Mode::ignore_hits || (only_hart && hart.id != *only_hart)) return;
  // An access belongs to the instruction that has begun; a breakpoint stands before it.
  const Hit found{hart.id, machine().moment(hart) - (watch ? 1 : 0), watch, address};
  if (mode_ == Mode::collect_hits) {
    collected_.push_back(found);
  } else if (!hit) {
    hit = found;
    machine().request_stop();
  }
}

StopReason Debugged::run(u64 steps, WhenIdle when_idle) {
  hit.reset();
  const u64 end = schedule().steps + steps;
  while (true) {
    timeline_->take_if_due(steps_between_snapshots);
    const u64 now = schedule().steps;
    const StopReason reason = timeline_->run(std::min(end - now, steps_between_snapshots), when_idle);
    if (reason != StopReason::steps_done || schedule().steps >= end) return reason;
  }
}

void Debugged::set_watch(const Watchpoint& watch, bool is_on) {
  if (is_on) {
    watcher.watchpoints.insert(watch);
  } else {
    watcher.watchpoints.erase(watch);
  }
}

StopReason Debugged::step(unsigned hart) {
  const u64 before = machine().hart(hart).steps;
  // A hart that waits may never get there: a debugger's patience is one round of everyone.
  constexpr u64 patience = 1'000'000;
  for (u64 i = 0; i < patience && machine().hart(hart).steps == before; ++i) {
    const StopReason reason = run(1, WhenIdle::stop);
    if (reason != StopReason::steps_done) return reason;
  }
  return StopReason::steps_done;
}

void Debugged::go_quietly(u64 moment) {
  const Mode before = std::exchange(mode_, Mode::ignore_hits);
  (void)timeline_->go_to(moment);
  (void)take_output();  // was printed the first time
  mode_ = before;
}

bool Debugged::step_back(unsigned hart) {
  hit.reset();
  const u64 now = schedule().steps, steps = machine().hart(hart).steps;
  if (now == timeline_->earliest() || steps == 0) return false;
  go_quietly(now - 1);
  if (machine().hart(hart).steps < steps) return true;
  // Others ran since: the last moment at which this hart had not yet done its last instruction.
  u64 low = now - 1, distance = 1;
  while (machine().hart(hart).steps == steps && low > timeline_->earliest()) {
    distance *= 8;
    low = low - std::min(distance, low - timeline_->earliest());
    go_quietly(low);
  }
  if (machine().hart(hart).steps == steps) return false;
  u64 high = now;  // at `low` not done, at `high` done
  while (high - low > 1) {
    const u64 middle = low + (high - low) / 2;
    go_quietly(middle);
    (machine().hart(hart).steps < steps ? low : high) = middle;
  }
  go_quietly(low);
  return true;
}

bool Debugged::continue_back() {
  hit.reset();
  const u64 now = schedule().steps;
  u64 end = now;
  while (end > timeline_->earliest()) {
    const u64 begin = end - std::min(end - timeline_->earliest(), steps_between_snapshots);
    go_quietly(begin);
    collected_.clear();
    const Mode before = std::exchange(mode_, Mode::collect_hits);
    // Step by step: go_to() would not run what leads to the head, but exchange memory.
    while (schedule().steps < end) {
      const StopReason reason = timeline_->run(end - schedule().steps, WhenIdle::jump);
      (void)take_output();
      if (reason != StopReason::steps_done && reason != StopReason::output_full) break;
    }
    mode_ = before;
    while (!collected_.empty() && collected_.back().moment >= now) collected_.pop_back();
    if (!collected_.empty()) {
      const Hit last = collected_.back();
      go_quietly(last.moment);
      hit = last;
      return true;
    }
    end = begin;
  }
  go_quietly(timeline_->earliest());
  return false;
}

std::optional<u64> Debugged::physical(unsigned hart, u64 address) {
  struct Reader {
    const vellum::Memory& memory;
    [[nodiscard]] std::optional<u64> read_entry(const vellum::WalkStep& step) const {
      if (!memory.is_ram(step.entry_address, 8)) return std::nullopt;
      u64 value = 0;
      vellum::copy_bytes(&value, memory.ram_at(step.entry_address), 8);
      return value;
    }
    static bool update_entry(u64 /*address*/, u64 /*value*/) { return true; }
  } reader{machine().memory()};
  vellum::Regime regime = machine().hart(hart).regime(vellum::AccessKind::load);
  regime.sum = regime.mxr = true;
  if (regime.privilege == vellum::Privilege::user) regime.privilege = vellum::Privilege::supervisor;
  const auto result = walk(reader, address, vellum::AccessKind::load, regime, vellum::AccessedDirty::update);
  if (result.failure) return std::nullopt;
  return result.translation.physical_address;
}

bool Debugged::read(unsigned hart, u64 address, std::span<vellum::u8> to) {
  for (std::size_t i = 0; i < to.size();) {
    const u64 now = std::min<u64>(to.size() - i, vellum::page_bytes - ((address + i) & (vellum::page_bytes - 1)));
    const auto place = physical(hart, address + i);
    if (!place || !machine().read_physical(*place, to.subspan(i, now))) return false;
    i += now;
  }
  return true;
}

bool Debugged::write(unsigned hart, u64 address, std::span<const vellum::u8> from) {
  timeline_->cut();
  for (std::size_t i = 0; i < from.size();) {
    const u64 now = std::min<u64>(from.size() - i, vellum::page_bytes - ((address + i) & (vellum::page_bytes - 1)));
    const auto place = physical(hart, address + i);
    if (!place || !machine().write_physical(*place, from.subspan(i, now))) return false;
    i += now;
  }
  return true;
}

}  // namespace vellum_tool
