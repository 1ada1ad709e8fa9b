// SPDX-License-Identifier: MIT
#pragma once
// Since when pages have been tables. A page that once was one becomes a buffer, in which numbers and texts look like
// entries, and a table again: what stood in it before its first walk as a table is nothing that a hart can hold.

#include <array>

#include "vellum/isa/types.hpp"

namespace vellum {

/// Where two pages share a place, both are taken for as young as the younger: the judge errs towards silence.
class TableAges {
 public:
  void begin(u64 page, u64 tick) { since_[page % since_.size()] = tick; }
  [[nodiscard]] u64 since(u64 page) const { return since_[page % since_.size()]; }

 private:
  std::array<u64, 1 << 16> since_{};  // ticks; each page of 256 MiB has a place of its own
};

}  // namespace vellum
