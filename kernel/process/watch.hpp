// SPDX-License-Identifier: MIT
#pragma once
// What is attached to a process from outside its program. Plain data: whoever sets it acts on it too, by the hooks
// calls::set_watched_call and process::set_tick_hook.

#include <array>
#include <string_view>

#include "abi/limits.hpp"
#include "arch/riscv64/trap_frame.hpp"
#include "lib/types.hpp"

namespace process {

/// A handler that the program gets called by its own running time. It runs on the user stack.
struct Alarm {
  u64 period = 0;  ///< ticks of this process's own running time between two calls, 0: off
  u64 elapsed = 0;
  u64 handler = 0;
  bool in_handler = false;
  arch::TrapFrame saved{};  ///< the registers of the interrupted program

  void switch_off() {
    period = 0;
    in_handler = false;
  }
};

/// Masks have a bit for each call number that they reach. After a change of one: Process::note_watch_changed.
struct Watch {
  u32 traced = 0;  ///< calls that are told when they return
  u64 barred = 0;  ///< calls that are refused; the last bit stands for all numbers from 63 on
  std::array<char, abi::max_path> open_path{};  ///< an open or exec of exactly this path is let through
  Alarm alarm;

  [[nodiscard]] bool is_set() const { return traced != 0 || barred != 0; }
  /// What a child inherits of its parent's: all but the alarm.
  void inherit(const Watch& parent) {
    traced = parent.traced;
    barred = parent.barred;
    open_path = parent.open_path;
  }
  void clear() {
    traced = barred = 0;
    alarm.switch_off();
  }
};

}  // namespace process
