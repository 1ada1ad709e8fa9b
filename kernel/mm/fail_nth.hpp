// SPDX-License-Identifier: MIT
#pragma once
// Allocation failures on purpose: the n-th allocation of a chosen process fails (call failnth).

#include <atomic>

namespace mm {

/// Asked before each frame is handed out while not null; true makes that allocation fail. kernel/process sets it
/// while some process is armed (it knows who is running), a host test sets its own.
using FailureHook = bool (*)();
inline std::atomic<FailureHook> failure_hook{nullptr};

/// Whether the hook must be asked at all.
[[nodiscard]] inline bool somebody_makes_allocations_fail() {
  return failure_hook.load(std::memory_order_relaxed) != nullptr;
}

[[nodiscard]] inline bool allocation_must_fail() {
  FailureHook hook = failure_hook.load(std::memory_order_relaxed);
  return hook != nullptr && hook();
}

}  // namespace mm
