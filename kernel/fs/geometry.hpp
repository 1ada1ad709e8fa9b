// SPDX-License-Identifier: MIT
#pragma once
// Where things lie on a volume: the superblock, checked. Nothing else in fs looks at a raw superblock.

#include <expected>

#include "abi/disk.hpp"
#include "lib/types.hpp"

namespace fs {

/// Why a volume was refused: the superblock's field (or the object) and the value found there.
struct MountError {
  const char* field;  ///< static text, for "refused to mount: FIELD is VALUE"
  u64 value;
};

/// How a volume's inodes are divided; `by_size` decides as the images' makers had it (abi::inode_layout).
enum class LayoutChoice { by_size, single, double_indirect };

/// A checked superblock and what follows from it. Positions are block numbers.
struct Geometry {
  u32 size;           ///< blocks of the volume
  u32 inode_count;    ///< inode numbers 1 .. inode_count - 1 exist
  u32 log_start;      ///< the log's header; its slots follow
  u32 log_capacity;   ///< slots that a transaction may use
  u32 log_blocks;     ///< superblock.nlog as it stands
  u32 inode_start;
  u32 bitmap_start;
  u32 bitmap_blocks;
  u32 data_start;     ///< first block that a file may own
  u32 direct_count;   ///< 12, or 11 with a double-indirect block
  u32 max_file_blocks;

  [[nodiscard]] bool is_data_block(u32 block) const { return block >= data_start && block < size; }
  [[nodiscard]] bool is_inode(u32 number) const { return number >= 1 && number < inode_count; }
  [[nodiscard]] u32 inode_block(u32 number) const { return inode_start + number / abi::inodes_per_block; }
  [[nodiscard]] u32 bitmap_block(u32 block) const { return bitmap_start + block / abi::bits_per_block; }
  [[nodiscard]] bool has_double_indirect() const {
    return direct_count == abi::direct_count(abi::InodeLayout::double_indirect);
  }
  /// Blocks that writing one block of a file may change: it, the inode, the tables above it, and a bitmap block for
  /// each that is allocated.
  [[nodiscard]] u32 write_room() const {
    const u32 tables = has_double_indirect() ? 2 : 1;
    return 2 + tables + (bitmap_blocks < 1 + tables ? bitmap_blocks : 1 + tables);
  }
  [[nodiscard]] u64 max_file_size() const { return u64{max_file_blocks} * abi::block_size; }
};

/// Smallest log, in blocks, that the kernel mounts: a header and what the widest operation reserves.
inline constexpr u32 min_log_blocks = 13;
/// Largest number of slots that the header of any log can name.
inline constexpr u32 max_log_capacity = abi::block_size / sizeof(i32) - 1;

/// Checks `super` against itself and against a device of `device_blocks` blocks: areas in order, none
/// overlapping, all inside. Refuses with the first field that is wrong (docs/failures.md D4).
[[nodiscard]] std::expected<Geometry, MountError> check_superblock(const abi::Superblock& super, u64 device_blocks,
                                                                   LayoutChoice layout = LayoutChoice::by_size);

}  // namespace fs
