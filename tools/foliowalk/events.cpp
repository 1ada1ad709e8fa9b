// SPDX-License-Identifier: MIT
#include "tools/foliowalk/events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "tools/foliowalk/ranges.hpp"

namespace foliowalk {

std::optional<Trap> parse_trap(const std::string& line) {
  const auto start = line.find("riscv_trap hart:");
  if (start == std::string::npos) return std::nullopt;
  unsigned long long hart = 0, cause = 0, epc = 0, tval = 0;
  int async = 0;
  int used = 0;
  if (std::sscanf(line.c_str() + start, "riscv_trap hart:%llu, async:%d, cause:%llu, epc:0x%llx, tval:0x%llx, desc=%n",
                  &hart, &async, &cause, &epc, &tval, &used) != 5 ||
      used == 0) {
    return std::nullopt;
  }
  Trap trap{
      0, static_cast<unsigned>(hart), async != 0, cause, epc, tval, line.substr(start + static_cast<usize>(used))};
  // With `-msg timestamp=on` the line begins with "PID@SECONDS.MICROSECONDS:".
  if (const auto at = line.find('@'); at < start) trap.time = std::strtod(line.c_str() + at + 1, nullptr);
  return trap;
}

Event event_of(const Trap& trap) {
  return {trap.time, "trap", fmt::format("hart {}", trap.hart), trap.tval,
          trap.interrupt         ? fmt::format("interrupt {} at {:#x}", trap.what, trap.epc)
          : trap.is_page_fault() ? fmt::format("{} at {:#x}, address {:#x}", trap.what, trap.epc, trap.tval)
                                 : fmt::format("{} at {:#x}", trap.what, trap.epc)};
}

namespace {

class Comparison {
 public:
  Comparison(const Scene& before, const Scene& after)
      : before_(before), after_(after), time_(std::chrono::duration<double>(after.time.time_since_epoch()).count()) {}

  std::vector<Event> run() {
    processes();
    for (const Space& now : after_.spaces) {
      const Space* then = before_.find(now.id);
      if (then && !then->tree.torn && !now.tree.torn) pages(*then, now);
    }
    satps();
    counters();
    return std::move(events_);
  }

 private:
  void note(std::string kind, std::string space, u64 va, std::string text) {
    events_.push_back({time_, std::move(kind), std::move(space), va, std::move(text)});
  }

  void processes() {
    for (const Space& now : after_.spaces) {
      const Space* then = before_.find(now.id);
      if (!then) {
        note("process", now.id, 0, fmt::format("{} appears, root {:#x}", now.title(), now.tree.root));
      } else if (then->tree.root != now.tree.root) {
        note("process", now.id, 0,
             fmt::format("{} has a new root {:#x} (exec): it was {} with {:#x}", now.title(), now.tree.root,
                         then->title(), then->tree.root));
      }
    }
    for (const Space& then : before_.spaces) {
      if (!after_.find(then.id)) note("process", then.id, 0, fmt::format("{} is gone", then.title()));
    }
    unseen();
  }

  /// Most commands of a shell live shorter than the time between two looks: the kernel's count of numbers tells that
  /// they were there.
  void unseen() {
    if (!before_.next_pid || !after_.next_pid || *after_.next_pid <= *before_.next_pid) return;
    // A kernel that made more of them in one look is busy making them; a line for each would hide all else.
    constexpr i64 most_lines = 20;
    i64 missed = 0;
    for (i64 pid = *before_.next_pid; pid < *after_.next_pid; ++pid) {
      const std::string id = fmt::format("{}", pid);
      if (before_.find(id) || after_.find(id)) continue;
      if (++missed <= most_lines) note("process", id, 0, fmt::format("{} came and went between two looks", id));
    }
    if (missed > most_lines)
      note("process", "", 0, fmt::format("{} more came and went between two looks", missed - most_lines));
  }

  void pages(const Space& then, const Space& now) {
    if (then.tree.root != now.tree.root) return;
    for (const Difference& d : difference(then.tree, now.tree)) {
      const std::string range = fmt::format("{:#x}..{:#x} ({})", d.va, d.va + d.bytes, human_size(d.bytes));
      const bool was_cow = d.before & sv39::pte_bit::copy_on_write;
      switch (d.change) {
        case Change::added:
          note("pages", now.id, d.va, fmt::format("{} mapped {}", range, flag_letters(d.after)));
          break;
        case Change::removed: note("pages", now.id, d.va, fmt::format("{} unmapped", range)); break;
        case Change::moved:
          note(was_cow ? "cow" : "pages", now.id, d.va,
               fmt::format("{} {}", range, was_cow ? "copied on write" : "has other frames"));
          break;
        case Change::rights:
          note(was_cow && d.after & sv39::pte_bit::write ? "cow" : "rights", now.id, d.va,
               fmt::format("{} {} -> {}", range, flag_letters(d.before), flag_letters(d.after)));
          break;
        case Change::split: note("split", now.id, d.va, fmt::format("{} superpage split", range)); break;
        case Change::promoted: note("promoted", now.id, d.va, fmt::format("{} promoted to a superpage", range)); break;
      }
    }
  }

  [[nodiscard]] std::string owner(const Scene& scene, const Hart& hart) const {
    if (hart.satp.mode() == Mode::bare) return "no translation";
    for (const Space& space : scene.spaces) {
      if (space.tree.root == hart.satp.root()) return space.title();
    }
    return fmt::format("root {:#x}", hart.satp.root());
  }

  void satps() {
    for (const Hart& now : after_.harts) {
      const auto then = std::ranges::find(before_.harts, now.index, &Hart::index);
      if (then == before_.harts.end() || then->satp.raw == now.satp.raw) continue;
      note("satp", fmt::format("hart {}", now.index), 0,
           fmt::format("{} -> {}", owner(before_, *then), owner(after_, now)));
    }
  }

  void counters() {
    for (const Counter& now : after_.counters) {
      const auto then = std::ranges::find(before_.counters, now.name, &Counter::name);
      if (then == before_.counters.end() || then->value == now.value) continue;
      note("counter", "kernel", 0, fmt::format("{} +{}", now.name, now.value - then->value));
    }
  }

  const Scene& before_;
  const Scene& after_;
  double time_;
  std::vector<Event> events_;
};

}  // namespace

std::vector<Event> events_between(const Scene& before, const Scene& after) { return Comparison(before, after).run(); }

}  // namespace foliowalk
