// SPDX-License-Identifier: MIT
#pragma once
// A machine for a debugger: breakpoints, watchpoints, and the way back.

#include <set>
#include <vector>

#include "tools/vellum/vm.hpp"
#include "vellum/machine/timeline.hpp"

namespace vellum_tool {

enum class WatchKind : unsigned char { store = 2, load = 3, access = 4 };  // as the packets Z2, Z3, Z4 have it

struct Watchpoint {
  WatchKind kind;
  vellum::u64 address;  // virtual
  vellum::u64 bytes;
  friend auto operator<=>(const Watchpoint&, const Watchpoint&) = default;
};

/// Why the machine stopped for the debugger.
struct Hit {
  unsigned hart = 0;
  vellum::u64 moment = 0;              // before the instruction
  std::optional<Watchpoint> watch;     // nothing: a breakpoint
  vellum::u64 address = 0;             // of the watched access
};

/// Looks for breakpoints and watchpoints, and keeps pages for the timeline.
class Watcher : public vellum::Unobserved {
 public:
  static constexpr bool sees_breaks = true, sees_loads = true, sees_stores = true, sees_first_stores = true;

  void on_first_store(vellum::u64 page) {
    if (keeper != nullptr) keeper->keep(page);
  }
  void on_break(vellum::Hart& hart, vellum::u64 /*pc*/) { note(hart, std::nullopt, 0); }
  void on_load(vellum::Hart& hart, const vellum::Access& access, vellum::u64 /*value*/) {
    if (!watchpoints.empty()) look(hart, access, WatchKind::store);
  }
  void on_store(vellum::Hart& hart, const vellum::Access& access, vellum::u64 /*value*/) {
    if (!watchpoints.empty()) look(hart, access, WatchKind::load);
  }

  vellum::PageKeeper* keeper = nullptr;
  std::function<void(const vellum::Hart&, std::optional<Watchpoint>, vellum::u64)> note = [](auto&&...) {};
  std::set<Watchpoint> watchpoints;

 private:
  void look(const vellum::Hart& hart, const vellum::Access& access, WatchKind not_this) {
    for (const Watchpoint& watch : watchpoints) {
      const bool overlaps =
          access.virtual_address < watch.address + watch.bytes && watch.address < access.virtual_address + access.bytes;
      if (overlaps && watch.kind != not_this) note(hart, watch, access.virtual_address);
    }
  }
};

/// Made before the machine that it watches.
struct WatcherHolder {
  Watcher watcher;
};

/// The machine with its past.
class Debugged final : private WatcherHolder, public MachineVm<Watcher> {
 public:
  Debugged(const Parts& parts, const Settings& settings);
  /// Whether there is memory for its past.
  [[nodiscard]] bool is_whole() const { return !frames_.bytes().empty(); }

  vellum::StopReason run(vellum::u64 steps, vellum::WhenIdle when_idle) override;
  void feed(std::string_view text) override { (void)timeline_->feed(bytes_of(text)); }
  void advance_to(vellum::u64 nanoseconds) override { timeline_->advance_to(nanoseconds); }
  bool restart() override;

  /// Where the last run stopped, if it was at a breakpoint or watchpoint.
  std::optional<Hit> hit;
  /// Only what this hart hits stops the machine; nothing: any hart's. gdb steps one thread by a breakpoint behind its
  /// instruction and wants the others to stand still. They run all the same, or the run would become another one.
  std::optional<unsigned> only_hart;

  void set_break(vellum::u64 pc, bool is_on) { (void)machine().break_at(pc, is_on); }
  void set_watch(const Watchpoint& watch, bool is_on);
  /// One instruction of this hart; the others go on meanwhile.
  vellum::StopReason step(unsigned hart);
  /// Back to before the last instruction of this hart. False: there is no earlier moment.
  bool step_back(unsigned hart);
  /// Back to the last moment before now at which something would have stopped it; to the earliest, if nothing.
  bool continue_back();

  /// What stands at a virtual address of a hart, whatever its privilege may read there.
  bool read(unsigned hart, vellum::u64 address, std::span<vellum::u8> to);
  bool write(unsigned hart, vellum::u64 address, std::span<const vellum::u8> from);

 private:
  enum class Mode : unsigned char { stop_at_hits, collect_hits, ignore_hits };
  [[nodiscard]] std::optional<vellum::u64> physical(unsigned hart, vellum::u64 address);
  void note(const vellum::Hart& hart, std::optional<Watchpoint> watch, vellum::u64 address);
  void go_quietly(vellum::u64 moment);

  Mode mode_ = Mode::stop_at_hits;
  std::vector<Hit> collected_;
  Mapping frames_;
  std::vector<vellum::u32> links_;
  std::vector<vellum::u8> marks_, typed_;
  std::vector<vellum::InputEvent> events_;
  std::unique_ptr<vellum::Timeline<Watcher>> timeline_;
};

}  // namespace vellum_tool
