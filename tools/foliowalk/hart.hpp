// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "tools/foliowalk/tree.hpp"

namespace foliowalk {

/// What one hart was doing when it was looked at.
struct Hart {
  unsigned index = 0;
  Satp satp;
  u64 pc = 0;
};

/// Who can tell the registers of a guest's harts: QEMU through its monitor, or a machine in this very program.
class HartSource {
 public:
  virtual ~HartSource() = default;

  /// satp and pc of every hart. Harts that run while they are asked may be some instructions apart.
  [[nodiscard]] virtual Outcome<std::vector<Hart>> harts() = 0;

  /// Whether the guest goes on between two looks, or even while it is looked at.
  [[nodiscard]] virtual bool is_running() const = 0;

  /// A guest that stands still while it is looked at may go on until the next look.
  virtual void let_go() {}
};

}  // namespace foliowalk
