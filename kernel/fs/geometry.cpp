// SPDX-License-Identifier: MIT
#include "fs/geometry.hpp"

#include <algorithm>

namespace fs {
namespace {

constexpr u64 blocks_for(u64 items, u64 per_block) { return (items + per_block - 1) / per_block; }

}  // namespace

std::expected<Geometry, MountError> check_superblock(const abi::Superblock& super, u64 device_blocks,
                                                     LayoutChoice layout) {
  const auto refuse = [](const char* field, u64 value) {
    return std::unexpected<MountError>(MountError{field, value});
  };
  // 64-bit sums of 32-bit fields cannot wrap, so each comparison below means what it says.
  const u64 size = super.size;
  const u64 inode_blocks = blocks_for(super.inode_count, abi::inodes_per_block);
  const u64 bitmap_blocks = blocks_for(size, abi::bits_per_block);

  if (super.magic != abi::superblock_magic) return refuse("superblock.magic", super.magic);
  if (size > device_blocks) return refuse("superblock.size", size);
  if (super.log_start <= abi::superblock_block) return refuse("superblock.logstart", super.log_start);
  if (super.log_blocks < min_log_blocks) return refuse("superblock.nlog", super.log_blocks);
  if (u64{super.log_start} + super.log_blocks > super.inode_start) {
    return refuse("superblock.inodestart", super.inode_start);
  }
  if (super.inode_count <= abi::root_inode) return refuse("superblock.ninodes", super.inode_count);
  if (super.inode_start + inode_blocks > super.bitmap_start) {
    return refuse("superblock.bmapstart", super.bitmap_start);
  }
  if (super.bitmap_start + bitmap_blocks >= size) return refuse("superblock.size", size);
  if (super.data_blocks == 0 || super.data_blocks > size - (super.bitmap_start + bitmap_blocks)) {
    return refuse("superblock.nblocks", super.data_blocks);
  }

  const abi::InodeLayout inodes = layout == LayoutChoice::by_size  ? abi::inode_layout(super.size)
                                  : layout == LayoutChoice::single ? abi::InodeLayout::single
                                                                   : abi::InodeLayout::double_indirect;
  Geometry geometry{};
  geometry.size = super.size;
  // A directory entry has 16 bits for the number: inodes beyond can have no name.
  geometry.inode_count = std::min<u32>(super.inode_count, 65536);
  geometry.log_start = super.log_start;
  geometry.log_blocks = super.log_blocks;
  geometry.log_capacity = std::min(super.log_blocks - 1, max_log_capacity);
  geometry.inode_start = super.inode_start;
  geometry.bitmap_start = super.bitmap_start;
  geometry.bitmap_blocks = static_cast<u32>(bitmap_blocks);
  geometry.data_start = super.size - super.data_blocks;
  geometry.direct_count = abi::direct_count(inodes);
  geometry.max_file_blocks = abi::max_file_blocks(inodes);
  return geometry;
}

}  // namespace fs
