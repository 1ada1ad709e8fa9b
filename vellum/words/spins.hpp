// SPDX-License-Identifier: MIT
#pragma once
// Hangs: harts that will never do anything again.

#include <array>
#include <string>

#include "vellum/machine/machine.hpp"

namespace vellum {

constexpr const char* hang_by_sleep = "every hart waits, and nothing will wake them";
constexpr const char* hang_by_turning = "every hart that works turns in one function, with interrupts off";

/// Sees harts that turn in one function with their interrupts off: nothing will ever happen to them.
class Spins {
 public:
  /// To be called each time that some instructions were done, `now` in all. `hart_of(i)` gives a HartState,
  /// `function_of(pc)` a text. Whether all harts that do not wait turn like this.
  template <class HartOf, class FunctionOf>
  bool look(u64 now, u32 harts, HartOf hart_of, FunctionOf function_of) {
    bool any_turns = false, any_works = false;
    for (u32 i = 0; i < harts; ++i) {
      const HartState& hart = hart_of(i);
      if (hart.is_waiting) continue;
      const bool closed = hart.privilege == Privilege::supervisor && (hart.mstatus & status::sie) == 0;
      std::string function = closed ? without_offset(function_of(hart.pc)) : std::string();
      Seen& seen = seen_[i];
      const bool is_same = closed && function == seen.function;
      seen = {std::move(function), is_same ? seen.since : now};
      (is_same && now - seen.since >= patience ? any_turns : any_works) = true;
    }
    return any_turns && !any_works;
  }

 private:
  static constexpr u64 patience = 200'000'000;
  struct Seen {
    std::string function;
    u64 since = 0;
  };
  static std::string without_offset(const std::string& place) { return place.substr(0, place.find('+')); }
  std::array<Seen, max_harts> seen_;
};

}  // namespace vellum
