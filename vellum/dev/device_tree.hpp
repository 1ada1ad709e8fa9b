// SPDX-License-Identifier: MIT
#pragma once
// The flattened device tree that the machine hands its guest, as QEMU's `virt` writes it for what is there.

#include <span>
#include <string_view>

#include "vellum/isa/types.hpp"

namespace vellum {

struct TreeContents {
  u32 harts;
  u64 ram_bytes;
  u64 seed;                  // of /chosen/rng-seed
  std::string_view bootargs;  // of /chosen/bootargs; empty: none
  std::string_view isa;
  std::string_view mmu;
};

/// Writes the tree to `to`; returns its length, 0 if there is no room.
usize write_device_tree(std::span<u8> to, const TreeContents& contents);

}  // namespace vellum
