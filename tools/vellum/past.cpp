// SPDX-License-Identifier: MIT
#include "tools/vellum/past.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "vellum/judge/call_chain.hpp"
#include "vellum/machine/machine_impl.hpp"

namespace vellum_tool {

namespace {

using vellum::u64;

constexpr std::size_t most_kept = 65536;

/// Bytes that are about to be stored.
struct Stored {
  u64 address = 0, bytes = 0, value = 0;

  /// What eight bytes of memory will be.
  [[nodiscard]] u64 over(u64 place, u64 old) const {
    u64 value_there = old;
    for (u64 i = 0; i < std::min<u64>(bytes, 8); ++i) {
      const u64 at = address + i - place;
      if (at >= 8) continue;
      const u64 shift = 8 * at;
      value_there = (value_there & ~(u64{0xff} << shift)) | (value >> 8 * i & 0xff) << shift;
    }
    return value_there;
  }
};

/// Shows the stores into watched pages.
class StoreWatcher : public vellum::Unobserved {
 public:
  static constexpr bool sees_watched = true;
  void on_watched(vellum::Hart* hart, const vellum::Access& access, vellum::AccessKind /*kind*/, u64 value) const {
    see(hart, Stored{access.physical_address, access.bytes, value});
  }
  std::function<void(const vellum::Hart*, const Stored&)> see = [](auto&&...) {};
};

struct WatcherHolder {
  StoreWatcher watcher;
};

class WayWatched final : private WatcherHolder, public MachineVm<StoreWatcher> {
 public:
  WayWatched(const RecordedRun& run, u64 satp, u64 address)
      : MachineVm<StoreWatcher>(run.parts, run.settings, watcher), satp_(satp), address_(address) {
    watcher.see = [this](const vellum::Hart* hart, const Stored& stored) { see(hart, stored); };
    past_.way = way({});
    watch_way();
  }

  bool restart() override {
    if (!MachineVm<StoreWatcher>::restart()) return false;
    ++restarts_;
    past_.stores.clear();
    past_.changes.clear();
    past_.way = way({});
    watch_way();
    return true;
  }

  /// All that was seen, up to now.
  Past take() {
    past_.way = way({});
    return std::move(past_);
  }

 private:
  [[nodiscard]] std::vector<vellum::WalkStep> way(const Stored& coming) {
    return vellum::way_to(satp_, address_, vellum::AccessKind::load, [&](const vellum::WalkStep& step) {
      auto value = vellum::entry_in(machine().memory(), step.entry_address);
      if (value) value = coming.over(step.entry_address, *value);
      return value;
    });
  }

  void watch_way() {
    for (const vellum::WalkStep& step : past_.way) {
      const u64 page = step.entry_address & vellum::page_mask;
      if (watched_.insert(page).second) machine().watch(page, false, true);
    }
  }

  void see(const vellum::Hart* hart, const Stored& stored) {
    const u64 root = vellum::satp::root_of(satp_);
    const bool is_in_root = (stored.address & vellum::page_mask) == root;
    const bool is_data = hart == nullptr || hart->privilege == vellum::Privilege::user;
    if (is_in_root && is_data) begin_anew();
    std::vector<vellum::WalkStep> before = way({}), after = way(stored);
    for (const vellum::WalkStep& step : before) note(hart, step, stored.over(step.entry_address, step.value));
    if (is_in_root && !after.empty() && (after.front().value & vellum::entry::reserved) != 0) begin_anew();
    const vellum::Target from = target_of(before), to = target_of(after);
    if (from != to) {
      const vellum::WalkStep& last = before[std::min(before.size(), after.size()) - 1];
      const auto changed = std::ranges::find_if(
          before, [&](const auto& step) { return stored.over(step.entry_address, step.value) != step.value; });
      const vellum::WalkStep& step = changed == before.end() ? last : *changed;
      const u64 value = stored.over(step.entry_address, step.value);
      past_.changes.push_back({change_of(hart, step, value), restarts_, from, to});
      if (past_.changes.size() > most_kept) past_.changes.pop_front();
    }
    past_.way = std::move(after);
    watch_way();
  }

  void begin_anew() {
    past_.stores.clear();
    past_.changes.clear();
  }

  [[nodiscard]] vellum::EntryChange change_of(const vellum::Hart* hart, const vellum::WalkStep& step, u64 value) {
    vellum::EntryChange change{.address = step.entry_address, .old_value = step.value, .new_value = value};
    change.by = {schedule().steps, 0, vellum::by_device};
    if (hart != nullptr) {
      change.by = {machine().moment(*hart), hart->pc, hart->id};
      change.callers = call_chain(machine(), *hart);
    }
    return change;
  }

  void note(const vellum::Hart* hart, const vellum::WalkStep& step, u64 value) {
    constexpr u64 marks = vellum::entry::accessed | vellum::entry::dirty;
    const bool only_marks = ((step.value ^ value) & ~marks) == 0 && (step.value & ~value) == 0;
    if (only_marks) return;  // the hardware's, or nothing at all
    past_.stores.push_back(change_of(hart, step, value));
    if (past_.stores.size() > most_kept) past_.stores.pop_front();
  }

  u64 satp_, address_;
  u64 restarts_ = 0;
  std::set<u64> watched_;
  Past past_;
};

}  // namespace

std::expected<RecordedRun, Complaint> open_run(Settings settings, Recording recording) {
  apply(recording, settings);
  settings.snapshot = true;
  if (settings.kernel.empty()) {
    return std::unexpected(Complaint{"the recording does not say where its kernel is", "name kernel and image"});
  }
  auto parts = make_parts(settings);
  if (!parts) return std::unexpected(parts.error());
  if (const auto same = check_same(recording, *parts); !same) return std::unexpected(same.error());
  if (const auto loaded = load_kernel(*parts, settings); !loaded) return std::unexpected(loaded.error());
  return RecordedRun{std::move(settings), std::move(recording), std::move(*parts)};
}

std::expected<Past, Complaint> past_of(RecordedRun& run, const std::optional<Position>& until, u64 satp, u64 address) {
  WayWatched machine(run, satp, address);
  Replay replay(machine, run.recording);
  if (replay.run_to(until) == Replay::Outcome::differs) {
    return std::unexpected(Complaint{"this is not the run that was recorded", ""});
  }
  Past past = machine.take();
  past.end = replay.position();
  return past;
}

Position moment_before(const TargetChange& change) {
  // A hart's own instruction counts as begun.
  const bool is_of_hart = change.store.by.hart != vellum::by_device && change.store.by.step > 0;
  return {change.restarts, change.store.by.step - (is_of_hart ? 1 : 0)};
}

}  // namespace vellum_tool
