// SPDX-License-Identifier: MIT
#include "vellum/words/acquaint.hpp"

namespace vellum {

void acquaint(Judges& judges, const Names& names, const KernelFunctions& functions, const KnownFrameTable& frames) {
  const FrameAllocator allocator{names.range_of(functions.allocate), names.range_of(functions.release)};
  if (allocator.allocate.begin != 0 && allocator.release.begin != 0) judges.know_allocator(allocator);
  judges.know_frame_table(frames.table());
  if (const auto panic = names.range_of(functions.panic); panic.begin != 0) judges.know_panic(panic.begin);
  // Bifolium has other names for it.
  if (frames.table().allocator == 0) return;
  for (const char* name : {"bug", "panic_at_trap"}) {
    if (const auto panic = names.range_of(name); panic.begin != 0) judges.know_panic(panic.begin);
  }
}

}  // namespace vellum
