// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "tools/foliowalk/events.hpp"
#include "tools/foliowalk/lint.hpp"

namespace foliowalk {

/// A guest that is looked at again and again: what the page's questions (api.hpp) are answered from.
class Look {
 public:
  virtual ~Look() = default;

  struct Timeline {
    std::vector<std::pair<u64, Event>> events;
    std::vector<std::pair<u64, Trap>> traps;
    u64 next = 0;
    bool tracing = false;
    u64 skipped_bytes = 0;
  };

  /// All address spaces now, or as nearly now as can be.
  [[nodiscard]] virtual std::shared_ptr<const Scene> scene() = 0;
  [[nodiscard]] virtual bool guest_is_gone() const = 0;
  /// The kernel's file; null where there is none.
  [[nodiscard]] virtual const KernelImage* image() const = 0;
  /// A walk in RAM as it is now.
  [[nodiscard]] virtual const Ram& ram() const = 0;
  /// What happened since the call that returned `after` as next.
  [[nodiscard]] virtual Timeline timeline(u64 after, bool want_traps) = 0;
  [[nodiscard]] virtual std::vector<Finding> lint_now() = 0;

  /// Keeps the scene under a number, to compare with later.
  virtual u64 keep_moment() = 0;
  [[nodiscard]] virtual std::shared_ptr<const Scene> moment(u64 number) = 0;
  [[nodiscard]] virtual std::vector<std::pair<u64, double>> moments() = 0;
};

}  // namespace foliowalk
