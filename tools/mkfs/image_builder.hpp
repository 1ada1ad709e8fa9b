// SPDX-License-Identifier: MIT
#pragma once
// Makes a file system image in memory, laid out as xv6's mkfs does it. Knows nothing of kernel/fs, so that tests can
// hold one against the other.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "abi/disk.hpp"

namespace mkfs {

/// What an image is to be. The defaults are an image of 2025.
struct Plan {
  std::uint32_t blocks = 2000;
  std::uint32_t log_blocks = 31;
  std::uint32_t inodes = 200;
  abi::InodeLayout layout = abi::InodeLayout::single;
};

/// The image cannot be made as asked; the text says why.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ImageBuilder {
 public:
  explicit ImageBuilder(const Plan& plan) : layout_(plan.layout) {
    const std::uint32_t inode_blocks = plan.inodes / abi::inodes_per_block + 1;
    const std::uint32_t bitmap_blocks = plan.blocks / abi::bits_per_block + 1;
    const std::uint64_t meta = std::uint64_t{2} + plan.log_blocks + inode_blocks + bitmap_blocks;
    if (plan.inodes < 2 || plan.inodes > 65536) throw Failure("number of inodes must be 2 to 65536");
    if (plan.log_blocks < 13 || plan.log_blocks > 256) throw Failure("log blocks must be 13 to 256");
    if (plan.blocks <= meta + 1) throw Failure("size: " + std::to_string(plan.blocks) + " blocks hold no file");
    super_ = {.magic = abi::superblock_magic,
              .size = plan.blocks,
              .data_blocks = static_cast<std::uint32_t>(plan.blocks - meta),
              .inode_count = plan.inodes,
              .log_blocks = plan.log_blocks,
              .log_start = 2,
              .inode_start = 2 + plan.log_blocks,
              .bitmap_start = 2 + plan.log_blocks + inode_blocks};
    next_block_ = static_cast<std::uint32_t>(meta);
    bytes_.resize(std::size_t{plan.blocks} * abi::block_size);
    std::memcpy(block(abi::superblock_block), &super_, sizeof super_);

    root_ = allocate_inode(abi::FileType::directory);
    add_entry(root_, ".", root_);
    add_entry(root_, "..", root_);
  }

  /// Adds a file to the root directory.
  void add_file(std::string_view name, std::span<const std::byte> content) {
    if (name.empty() || name.size() > abi::name_size || name.find('/') != name.npos) {
      throw Failure("'" + std::string(name) + "': a name has 1 to 14 characters and no slash");
    }
    const std::uint32_t inode = allocate_inode(abi::FileType::file);
    add_entry(root_, name, inode);
    append(inode, content);
  }

  /// Ends the image: rounds the root directory up to whole blocks, as xv6's mkfs does, and writes the bitmap.
  std::span<const std::byte> finish() {
    abi::DiskInode& root = inode(root_);
    root.size = (root.size / abi::block_size + 1) * abi::block_size;
    if (root.addresses[(root.size - 1) / abi::block_size] == 0) root.size -= abi::block_size;
    for (std::uint32_t used = 0; used < next_block_; ++used) {
      auto* bitmap = reinterpret_cast<std::uint8_t*>(block(super_.bitmap_start + used / abi::bits_per_block));
      bitmap[used % abi::bits_per_block / 8] |= static_cast<std::uint8_t>(1U << (used % 8));
    }
    return bytes_;
  }

  [[nodiscard]] const abi::Superblock& superblock() const { return super_; }
  [[nodiscard]] std::uint32_t used_blocks() const { return next_block_; }
  [[nodiscard]] std::uint32_t used_inodes() const { return next_inode_ - 1; }

 private:
  std::byte* block(std::uint32_t number) { return bytes_.data() + std::size_t{number} * abi::block_size; }
  abi::DiskInode& inode(std::uint32_t number) {
    return reinterpret_cast<abi::DiskInode*>(
        block(super_.inode_start + number / abi::inodes_per_block))[number % abi::inodes_per_block];
  }
  std::uint32_t allocate_block() {
    if (next_block_ == super_.size)
      throw Failure("the files need more than " + std::to_string(super_.size) + " blocks");
    return next_block_++;
  }
  std::uint32_t allocate_inode(abi::FileType type) {
    if (next_inode_ == super_.inode_count) throw Failure("more files than inodes");
    inode(next_inode_) = {.type = type, .major = 0, .minor = 0, .link_count = 1, .size = 0, .addresses = {}};
    return next_inode_++;
  }

  void add_entry(std::uint32_t directory, std::string_view name, std::uint32_t number) {
    abi::Dirent entry{.inode = static_cast<std::uint16_t>(number), .name = {}};
    std::copy(name.begin(), name.end(), entry.name);
    append(directory, std::as_bytes(std::span(&entry, 1)));
  }

  /// The entry of a table, given a block if it has none.
  std::uint32_t& filled(std::uint32_t& entry) {
    if (entry == 0) entry = allocate_block();
    return entry;
  }
  std::uint32_t* table(std::uint32_t number) { return reinterpret_cast<std::uint32_t*>(block(number)); }

  std::uint32_t block_of(std::uint32_t number, std::uint32_t index) {
    abi::DiskInode& file = inode(number);
    const std::uint32_t direct = abi::direct_count(layout_);
    if (index >= abi::max_file_blocks(layout_)) throw Failure("a file is larger than the layout allows");
    if (index < direct) return filled(file.addresses[index]);
    index -= direct;
    if (index < abi::addresses_per_block) return filled(table(filled(file.addresses[direct]))[index]);
    index -= abi::addresses_per_block;
    std::uint32_t* const top = table(filled(file.addresses[direct + 1]));
    return filled(table(filled(top[index / abi::addresses_per_block]))[index % abi::addresses_per_block]);
  }

  void append(std::uint32_t number, std::span<const std::byte> content) {
    while (!content.empty()) {
      const std::uint32_t size = inode(number).size;
      const std::size_t inside = size % abi::block_size;
      const std::size_t piece = std::min(content.size(), abi::block_size - inside);
      std::memcpy(block(block_of(number, size / abi::block_size)) + inside, content.data(), piece);
      inode(number).size += static_cast<std::uint32_t>(piece);
      content = content.subspan(piece);
    }
  }

  abi::InodeLayout layout_;
  abi::Superblock super_{};
  std::vector<std::byte> bytes_;
  std::uint32_t next_block_ = 0;
  std::uint32_t next_inode_ = 1;
  std::uint32_t root_ = 0;
};

}  // namespace mkfs
