// SPDX-License-Identifier: MIT
// Freeing a file's blocks (xv6: itrunc): from the end, so that what is left is always a consistent, shorter file, and
// in as many transactions as the bitmap blocks of a large file need.

#include <algorithm>

#include "fs/inode.hpp"
#include "fs/volume.hpp"

namespace fs {

using lib::Result;

namespace {

constexpr u32 bytes_per_block = abi::block_size;
// Blocks kept back for the inode and the two tables on the way to a block, in case the transaction fills up.
constexpr u32 cut_room = 3;
}  // namespace

u32 Inode::truncation_reserve() const {
  const Geometry& geometry = volume_->geometry();
  u32 bitmap_blocks = 0;
  for (u32 i = 0; i < abi::inode_address_count; ++i) {
    if (addresses_[i] != 0) bitmap_blocks += i < geometry.direct_count ? 1 : geometry.bitmap_blocks;
  }
  return std::min(cut_room + std::min(bitmap_blocks, geometry.bitmap_blocks) + 1, volume_->log().capacity());
}

Result<void> Inode::truncate() {
  for (;;) {
    u32 reserve;
    {
      const InodeLock lock(*this);
      LIB_TRY(lock.status());
      reserve = truncation_reserve();
    }
    Transaction transaction(volume_->log(), reserve);
    LIB_TRY(transaction.begun());
    bool all_freed;
    {
      const InodeLock lock(*this);
      LIB_TRY(lock.status());
      all_freed = LIB_TRY(free_blocks(transaction));
    }
    LIB_TRY(transaction.commit());
    if (all_freed) return {};
  }
}

Result<bool> Inode::free_blocks(Transaction& transaction) {
  stretch_ = {};
  const u32 direct = volume_->geometry().direct_count;
  const u32 old_size = size();
  Freed freed = Freed::all;
  if (volume_->geometry().has_double_indirect() && addresses_[direct + 1] != 0) {
    freed = LIB_TRY(free_top_table(transaction, addresses_[direct + 1], direct + abi::addresses_per_block));
  }
  if (freed == Freed::all && addresses_[direct] != 0) {
    freed = LIB_TRY(free_table(transaction, addresses_[direct], direct));
  }
  for (u32 i = direct; freed == Freed::all && i-- > 0;) {
    if (addresses_[i] == 0) continue;
    freed = LIB_TRY(free_one(transaction, addresses_[i]));
    if (freed == Freed::all) {
      addresses_[i] = 0;
    } else {
      set_size(std::min<u32>(size(), (i + 1) * bytes_per_block));
    }
  }
  if (freed == Freed::all) set_size(0);
  clear_mapped_pages(old_size);
  LIB_TRY(update(transaction));
  return freed == Freed::all;
}

// Mappings of what was cut off read zeros, as a new block would.
void Inode::clear_mapped_pages(u32 old_size) {
  if (volume_->pages().count() == 0) return;
  for (u64 at = size(); at < old_size;) {
    const u64 end = (at / FilePages::page_bytes + 1) * FilePages::page_bytes;
    if (std::byte* bytes = mapped_bytes(at)) std::fill_n(bytes, end - at, std::byte{0});
    at = end;
  }
}

// A block number that cannot be is dropped: there is nothing to free (D2).
Result<Inode::Freed> Inode::free_one(Transaction& transaction, u32 block) {
  if (!volume_->geometry().is_data_block(block)) return Freed::all;
  return LIB_TRY(volume_->free_block(transaction, block, cut_room)) ? Freed::all : Freed::no_room;
}

// Forgets the entries from `kept` on, whose blocks are free now.
Result<void> Inode::cut_table(Transaction& transaction, u32 table, u32 kept) {
  const BufferRef entries = LIB_TRY(volume_->cache().read(table));
  std::fill(entries.as<u32>() + kept, entries.as<u32>() + abi::addresses_per_block, 0);
  transaction.add(entries);
  return {};
}

// The blocks that the table names are free; so shall it be.
Result<Inode::Freed> Inode::free_empty_table(Transaction& transaction, u32& table, u32 first_index) {
  if (LIB_TRY(free_one(transaction, table)) == Freed::no_room) {
    LIB_TRY(cut_table(transaction, table, 0));
    set_size(std::min<u32>(size(), first_index * bytes_per_block));
    return Freed::no_room;
  }
  table = 0;
  return Freed::all;
}

Result<Inode::Freed> Inode::free_table(Transaction& transaction, u32& table, u32 first_index) {
  constexpr u32 batch = 32;
  u32 blocks[batch];
  if (volume_->geometry().is_data_block(table)) {
    for (u32 begin = abi::addresses_per_block; begin != 0;) {
      begin -= batch;
      {
        const BufferRef entries = LIB_TRY(volume_->cache().read(table));
        std::copy_n(entries.as<u32>() + begin, batch, blocks);
      }
      for (u32 i = batch; i-- > 0;) {
        if (blocks[i] == 0 || LIB_TRY(free_one(transaction, blocks[i])) == Freed::all) continue;
        LIB_TRY(cut_table(transaction, table, begin + i + 1));
        set_size(std::min<u32>(size(), (first_index + begin + i + 1) * bytes_per_block));
        return Freed::no_room;
      }
    }
  }
  return free_empty_table(transaction, table, first_index);
}

Result<Inode::Freed> Inode::free_top_table(Transaction& transaction, u32& table, u32 first_index) {
  if (volume_->geometry().is_data_block(table)) {
    for (u32 i = abi::addresses_per_block; i-- > 0;) {
      u32 child;
      {
        const BufferRef entries = LIB_TRY(volume_->cache().read(table));
        child = entries.as<u32>()[i];
      }
      if (child == 0) continue;
      if (LIB_TRY(free_table(transaction, child, first_index + i * abi::addresses_per_block)) == Freed::all) continue;
      LIB_TRY(cut_table(transaction, table, i + 1));
      return Freed::no_room;
    }
  }
  return free_empty_table(transaction, table, first_index);
}

}  // namespace fs
