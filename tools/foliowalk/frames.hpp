// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include "tools/foliowalk/scene.hpp"

namespace foliowalk {

/// What a frame of RAM is used for, as the tables show it.
enum class FrameKind : u8 {
  unmapped,      // no user maps it and it is no table: free, or the kernel's own data
  kernel_data,   // of the kernel's ELF
  table,         // a node of some page table
  user,          // mapped with U by one process
  shared,        // mapped with U by more than one process, or more than once
  supervisor,    // mapped without U beside the direct map: stacks, trapframes, guard pages
  // The rest are known only where the kernel tells (Bifolium's frame records).
  free,
  kernel,  // an object of the kernel's
  file,    // a page of a mapped file that no one maps now
  // What the kernel's file, its tables and its variables tell of its own memory.
  kernel_text,
  kernel_stack,
  buffers,  // of the disk's blocks
  pipe,
};
inline constexpr usize frame_kind_count = 13;
[[nodiscard]] std::string_view name_of(FrameKind kind);

struct FrameUse {
  FrameKind kind = FrameKind::unmapped;
  u16 mappings = 0;             // user mappings of it, in all processes
  u32 references = 0;           // what the kernel counts, where it tells
  u16 owner = no_owner;         // index in Scene::spaces of the first that maps it or whose table it is
  u8 level = 0;                 // of the table, or of the page it belongs to
  bool accessed = false;
  bool dirty = false;

  static constexpr u16 no_owner = 0xffff;
};

/// One record for each frame of RAM, in order.
[[nodiscard]] std::vector<FrameUse> frame_uses(const Scene& scene);

/// One mapping of a frame, or one table which it is.
struct FrameUser {
  const Space* space = nullptr;
  u64 va = 0;
  u64 pte = 0;
  u8 level = 0;
  bool is_table = false;
};
/// Everyone who maps the frame at `pa` or has it as a table.
[[nodiscard]] std::vector<FrameUser> users_of_frame(const Scene& scene, u64 pa);

}  // namespace foliowalk
