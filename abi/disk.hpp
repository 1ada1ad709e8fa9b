// SPDX-License-Identifier: MIT
#pragma once
// xv6's file system on disk (xv6: kernel/fs.h): superblock in block 1, log, inodes, bitmap, data.
// Everything read from a disk is untrusted; these types only give it names.

#include <cstddef>
#include <cstdint>

#include "abi/limits.hpp"
#include "abi/types.hpp"

namespace abi {

inline constexpr std::uint32_t superblock_magic = 0x10203040;  ///< FSMAGIC
inline constexpr std::uint32_t superblock_block = 1;
inline constexpr std::uint32_t root_inode = 1;  ///< ROOTINO
inline constexpr std::uint32_t root_device = 1;  ///< ROOTDEV

/// xv6: struct superblock. Counts and positions are in blocks of block_size.
struct Superblock {
  std::uint32_t magic;
  std::uint32_t size;  ///< of the whole image
  std::uint32_t data_blocks;
  std::uint32_t inode_count;
  std::uint32_t log_blocks;  ///< header and slots
  std::uint32_t log_start;
  std::uint32_t inode_start;
  std::uint32_t bitmap_start;
};

inline constexpr std::size_t inode_address_count = 13;

/// xv6: struct dinode. How `addresses` is divided depends on the image: InodeLayout.
struct DiskInode {
  FileType type;
  std::int16_t major;
  std::int16_t minor;
  std::int16_t link_count;
  std::uint32_t size;  ///< bytes
  std::uint32_t addresses[inode_address_count];
};

/// xv6: struct logheader, as it lies in the log's first block.
inline constexpr std::size_t max_log_blocks = 30;  ///< LOGSIZE: slots an image of any year has at least
struct LogHeader {
  std::int32_t count;
  std::int32_t blocks[block_size / sizeof(std::int32_t) - 1];
};

inline constexpr std::uint32_t inodes_per_block = block_size / sizeof(DiskInode);  ///< IPB
inline constexpr std::uint32_t bits_per_block = block_size * 8;  ///< BPB
inline constexpr std::uint32_t addresses_per_block = block_size / sizeof(std::uint32_t);  ///< NINDIRECT

/// `single`: 12 direct, 1 indirect. `double_indirect`: 11 direct, 1 indirect, 1 double.
enum class InodeLayout { single, double_indirect };

/// Images of the second kind, and only they, have this size.
inline constexpr std::uint32_t double_indirect_image_size = 200000;
constexpr InodeLayout inode_layout(std::uint32_t image_size) {
  return image_size == double_indirect_image_size ? InodeLayout::double_indirect : InodeLayout::single;
}
constexpr std::uint32_t direct_count(InodeLayout layout) { return layout == InodeLayout::double_indirect ? 11 : 12; }
/// Largest file in blocks (xv6: MAXFILE): 268 or 65803.
constexpr std::uint32_t max_file_blocks(InodeLayout layout) {
  const std::uint32_t blocks = direct_count(layout) + addresses_per_block;
  return layout == InodeLayout::double_indirect ? blocks + addresses_per_block * addresses_per_block : blocks;
}

static_assert(sizeof(Superblock) == 32 && sizeof(DiskInode) == 64 && sizeof(LogHeader) == block_size);
static_assert(max_file_blocks(InodeLayout::single) == 268);
static_assert(max_file_blocks(InodeLayout::double_indirect) == 65803);

}  // namespace abi
