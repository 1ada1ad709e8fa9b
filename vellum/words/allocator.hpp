// SPDX-License-Identifier: MIT
#pragma once
// What a kernel's ELF file says about its allocator of frames.

#include <vector>

#include "vellum/judge/frame_table.hpp"
#include "vellum/words/names.hpp"

namespace vellum {

/// The table of frames of a kernel that has Bifolium's mm::the_frames.
class KnownFrameTable {
 public:
  explicit KnownFrameTable(const Names& names);
  KnownFrameTable(const KnownFrameTable&) = delete;
  KnownFrameTable& operator=(const KnownFrameTable&) = delete;

  /// Its `allocator` is 0 where the file knows of no such table. It points into this object.
  [[nodiscard]] const FrameTable& table() const { return table_; }

 private:
  [[nodiscard]] bool read(const debug::DebugInfo& info);

  FrameTable table_;
  std::vector<CodeRange> code_;
};

}  // namespace vellum
