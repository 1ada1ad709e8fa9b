// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "tools/foliowalk/diff.hpp"
#include "tools/foliowalk/scene.hpp"

namespace foliowalk {

/// One trap as QEMU's riscv_trap event tells it.
struct Trap {
  double time = 0;  // seconds since 1970, 0 when QEMU printed none
  unsigned hart = 0;
  bool interrupt = false;
  u64 cause = 0;
  u64 epc = 0;
  u64 tval = 0;
  std::string what;  // "store_page_fault"

  [[nodiscard]] bool is_page_fault() const { return !interrupt && (cause == 12 || cause == 13 || cause == 15); }
};

[[nodiscard]] std::optional<Trap> parse_trap(const std::string& line);

/// What happened between two scenes, in words.
struct Event {
  double time = 0;
  std::string kind;  // "process", "pages", "cow", "split", "promoted", "rights", "satp", "counter", "trap"
  std::string space;  // id, or "hart N"
  u64 va = 0;
  std::string text;
};

[[nodiscard]] std::vector<Event> events_between(const Scene& before, const Scene& after);
[[nodiscard]] Event event_of(const Trap& trap);

}  // namespace foliowalk
