#include "tools/foliowalk/events.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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

TrapLog::TrapLog(const std::string& path) : descriptor_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
  if (descriptor_ < 0) descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  skip_to_end();
}

TrapLog::~TrapLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void TrapLog::skip_to_end() {
  struct stat status{};
  if (descriptor_ >= 0 && ::fstat(descriptor_, &status) == 0) offset_ = static_cast<u64>(status.st_size);
  partial_.clear();
}

std::vector<Trap> TrapLog::poll(u64& skipped_bytes) {
  constexpr u64 most_at_once = 1 << 20;
  skipped_bytes = 0;
  std::vector<Trap> traps;
  struct stat status{};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) return traps;
  const u64 end = static_cast<u64>(status.st_size);
  if (end < offset_) offset_ = 0;  // a new log
  if (end - offset_ > most_at_once) {
    skipped_bytes = end - offset_ - most_at_once;
    offset_ = end - most_at_once;
    partial_.clear();
  }
  std::string text(end - offset_, '\0');
  const ssize_t count = ::pread(descriptor_, text.data(), text.size(), static_cast<off_t>(offset_));
  if (count <= 0) return traps;
  offset_ += static_cast<u64>(count);
  text.resize(static_cast<usize>(count));
  // Fails where holes aren't known; then the log merely keeps its size.
  (void)::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                    static_cast<off_t>(offset_ & ~u64{4095}));
  text.insert(0, partial_);
  usize line = 0;
  for (usize newline; (newline = text.find('\n', line)) != std::string::npos; line = newline + 1) {
    if (auto trap = parse_trap(text.substr(line, newline - line))) traps.push_back(std::move(*trap));
  }
  partial_ = text.substr(line);
  return traps;
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
