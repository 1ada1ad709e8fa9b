// SPDX-License-Identifier: MIT
#pragma once
// When and where something happened in a run, so that one can say it and go back there.

#include <array>

#include "vellum/isa/types.hpp"

namespace vellum {

/// Who: not a hart but a device, by DMA.
constexpr u32 by_device = ~u32{0};

struct Moment {
  u64 step = 0;  // instructions begun by all harts before it
  u64 pc = 0;
  u32 hart = by_device;
  friend bool operator==(const Moment&, const Moment&) = default;
};

/// Return addresses, the innermost first; 0 ends it.
using CallChain = std::array<u64, 8>;

}  // namespace vellum
