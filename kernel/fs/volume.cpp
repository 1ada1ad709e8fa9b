// SPDX-License-Identifier: MIT
#include "fs/volume.hpp"

#include <bit>
#include <cstring>

#include "lib/format.hpp"
#include "lib/immortal.hpp"

namespace fs {

using lib::Error;
using lib::fail;
using lib::Result;

Volume::Volume()
    : inodes_(*this),
      bitmap_lock_("bitmap", locks::Rank::inode_table),
      slots_lock_("inodes", locks::Rank::inode_table) {}

Volume& root_volume() {
  static lib::Immortal<Volume> volume;
  return volume.get();
}

std::expected<void, MountError> Volume::mount(dev::BlockDevice& device, std::span<std::byte> cache_memory,
                                              LayoutChoice layout) {
  const auto refuse = [](const char* field, u64 value) {
    return std::unexpected<MountError>(MountError{field, value});
  };
  mounted_ = false;
  if (!inodes_.clear()) return refuse("inodes in use", inodes_.referenced_count());
  names_.clear();
  cache_.attach(device, cache_memory);
  if (cache_.buffer_count() < min_buffers) return refuse("block cache buffers", cache_.buffer_count());
  abi::Superblock super;
  {
    const auto block = cache_.read(abi::superblock_block);
    if (!block) return refuse("unreadable superblock, block", abi::superblock_block);
    std::memcpy(&super, block->bytes(), sizeof super);
  }
  const auto geometry = check_superblock(super, device.block_count(), layout);
  if (!geometry) return std::unexpected<MountError>(geometry.error());
  geometry_ = *geometry;
  // Logged blocks stay in memory; there must be others beside them (see block_cache.hpp).
  if (geometry_.log_capacity + min_buffers / 2 > cache_.buffer_count())
    return refuse("superblock.nlog", super.log_blocks);
  log_.attach(cache_, geometry_);
  if (const auto recovered = log_.recover(geometry_); !recovered) return std::unexpected<MountError>(recovered.error());

  {
    const auto root = inodes_.get(abi::root_inode);
    const InodeLock lock(**root);
    if (!lock.status()) return refuse("root inode, error", static_cast<u64>(lock.status().error()));
    if (!(*root)->is_directory()) return refuse("root inode.type", static_cast<u64>((*root)->type()));
    if ((*root)->link_count() == 0) return refuse("root inode.nlink", 0);
  }
  lowest_free_block_ = geometry_.data_start;
  lowest_free_inode_ = abi::root_inode;
  mounted_ = true;
  reclaim_orphans();
  return {};
}

Result<void> Volume::sync() {
  if (!mounted_) return fail(Error::not_supported);
  return log_.checkpoint();
}

// Frees inodes that were unlinked but still open when the machine stopped (xv6: ireclaim).
void Volume::reclaim_orphans() {
  u32 following[16];
  for (u32 number = abi::root_inode; number < geometry_.inode_count; ++number) {
    abi::DiskInode inode;
    {
      const u32 block = geometry_.inode_block(number);
      u32 count = 0;
      while (count < std::size(following) && block + count + 1 < geometry_.bitmap_start) {
        following[count] = block + count + 1;
        ++count;
      }
      const auto buffer = cache_.read(block, {following, count});
      if (!buffer) continue;
      load_slot(*buffer, number, inode);
    }
    if (inode.type == abi::FileType::free || inode.link_count != 0) continue;
    lib::print("ireclaim: orphaned inode {}\n", number);
    const auto orphan = inodes_.get(number);
    // Reading it in is enough: dropping the handle frees it.
    if (orphan) const InodeLock lock(**orphan);
  }
}

// --- Blocks ---

Result<BufferRef> Volume::allocate_block(Transaction& transaction) {
  for (;;) {
    u32 from;
    {
      const locks::Guard guard(bitmap_lock_);
      from = lowest_free_block_;
    }
    if (from >= geometry_.size) return fail(Error::no_space);
    const BufferRef bitmap = LIB_TRY(cache_.read(geometry_.bitmap_block(from)));
    const u32 begin = from / abi::bits_per_block * abi::bits_per_block;
    const u32 end = std::min(begin + abi::bits_per_block, geometry_.size);
    u32 found = end;
    {
      const locks::Guard guard(bitmap_lock_);
      if (lowest_free_block_ < begin) continue;  // one was freed meanwhile
      u64* const words = bitmap.as<u64>();
      for (u32 bit = std::max(lowest_free_block_, from); bit < end;) {
        const u64 used = words[(bit - begin) / 64] | ((u64{1} << (bit % 64)) - 1);
        bit = bit / 64 * 64 + static_cast<u32>(std::countr_one(used));
        if (bit % 64 == 0 && used == ~u64{0}) continue;
        if (bit < end) {
          words[(bit - begin) / 64] |= u64{1} << (bit % 64);
          found = bit;
        }
        break;
      }
      lowest_free_block_ = found == end ? end : found + 1;
    }
    if (found == end) continue;
    transaction.add(bitmap);
    BufferRef block = cache_.fresh(found);
    transaction.add(block);
    return block;
  }
}

Result<bool> Volume::free_block(Transaction& transaction, u32 block, u32 spare) {
  const BufferRef bitmap = LIB_TRY(cache_.read(geometry_.bitmap_block(block)));
  if (!transaction.can_add(bitmap, spare)) return false;
  {
    const locks::Guard guard(bitmap_lock_);
    u64& word = bitmap.as<u64>()[block % abi::bits_per_block / 64];
    const u64 bit = u64{1} << (block % 64);
    if ((word & bit) == 0) {
      log_.fail("a block that is freed is free already");
      return fail(Error::corrupt);
    }
    word &= ~bit;
    lowest_free_block_ = std::min(lowest_free_block_, block);
  }
  transaction.add(bitmap);
  return true;
}

// --- Inodes ---

void Volume::load_slot(const BufferRef& block, u32 number, abi::DiskInode& inode) {
  const locks::Guard guard(slots_lock_);
  inode = block.as<abi::DiskInode>()[number % abi::inodes_per_block];
}

void Volume::store_slot(const BufferRef& block, u32 number, const abi::DiskInode& inode) {
  const locks::Guard guard(slots_lock_);
  block.as<abi::DiskInode>()[number % abi::inodes_per_block] = inode;
}

void Volume::note_free_inode(u32 number) {
  const locks::Guard guard(slots_lock_);
  lowest_free_inode_ = std::min(lowest_free_inode_, number);
}

Result<u32> Volume::allocate_inode(Transaction& transaction, abi::FileType type) {
  for (;;) {
    u32 from;
    {
      const locks::Guard guard(slots_lock_);
      from = lowest_free_inode_;
    }
    if (from >= geometry_.inode_count) return fail(Error::no_space);
    const BufferRef block = LIB_TRY(cache_.read(geometry_.inode_block(from)));
    const u32 begin = from / abi::inodes_per_block * abi::inodes_per_block;
    const u32 end = std::min(begin + abi::inodes_per_block, geometry_.inode_count);
    u32 found = end;
    {
      const locks::Guard guard(slots_lock_);
      if (lowest_free_inode_ < begin) continue;  // one was freed meanwhile
      abi::DiskInode* const slots = block.as<abi::DiskInode>();
      for (found = std::max(lowest_free_inode_, from); found < end; ++found) {
        if (slots[found - begin].type == abi::FileType::free) break;
      }
      lowest_free_inode_ = found == end ? end : found + 1;
      if (found == end) continue;
      slots[found - begin] = {};
      slots[found - begin].type = type;
    }
    transaction.add(block);
    return found;
  }
}

}  // namespace fs
