// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "tools/foliowalk/value.hpp"

namespace foliowalk {

/// What a piece of the kernel's own memory is for.
enum class PartKind : u8 {
  text,
  buffers,  // of the disk's blocks
  pipe,     // what was written to one and not read so far
};
struct KernelPart {
  u64 begin = 0, end = 0;  // physical
  PartKind kind{};
};

/// The pieces that the kernel's file and its variables tell of: xv6's `bcache` and `ftable`, and what Bifolium has for
/// them. What a kernel keeps otherwise is not told.
[[nodiscard]] std::vector<KernelPart> kernel_parts(const KernelMemory& memory);

}  // namespace foliowalk
