// SPDX-License-Identifier: MIT
#include "fs/inode.hpp"

#include <algorithm>

#include "fs/volume.hpp"

namespace fs {
namespace {

using lib::Error;
using lib::fail;
using lib::Result;

constexpr usize block_bytes = abi::block_size;
constexpr std::byte zero_block[block_bytes] = {};

bool is_known(abi::FileType type) { return type >= abi::FileType::directory && type <= abi::FileType::symlink; }

}  // namespace

Result<void> Inode::load() {
  const Geometry& geometry = volume_->geometry();
  abi::DiskInode disk;
  {
    const BufferRef block = LIB_TRY(volume_->cache().read(geometry.inode_block(number_)));
    volume_->load_slot(block, number_, disk);
  }
  if (!is_known(disk.type) || disk.link_count < 0) return fail(Error::corrupt);
  if (disk.size > geometry.max_file_size()) return fail(Error::corrupt);
  if (disk.type == abi::FileType::directory && disk.size % sizeof(abi::Dirent) != 0) return fail(Error::corrupt);
  type_ = disk.type;
  major_ = disk.major;
  minor_ = disk.minor;
  link_count_.store(disk.link_count, std::memory_order_relaxed);
  set_size(disk.size);
  std::ranges::copy(disk.addresses, addresses_);
  direct_checked_ = std::all_of(addresses_, addresses_ + geometry.direct_count,
                                [&](u32 block) { return block == 0 || geometry.is_data_block(block); });
  free_entry_hint = 0;
  loaded_ = true;
  return {};
}

void InodeLock::load() {
  if (const auto loaded = inode_->load(); !loaded) {
    failed_ = true;
    error_ = loaded.error();
  }
}

Result<void> Inode::update(Transaction& transaction) {
  abi::DiskInode disk{type_, major_, minor_, link_count(), size(), {}};
  std::ranges::copy(addresses_, disk.addresses);
  const BufferRef block = LIB_TRY(volume_->cache().read(volume_->geometry().inode_block(number_)));
  volume_->store_slot(block, number_, disk);
  transaction.add(block);
  return {};
}

Result<void> Inode::initialise(Transaction& transaction, abi::FileType type, i16 major, i16 minor, i16 links) {
  type_ = type;
  major_ = major;
  minor_ = minor;
  set_size(0);
  std::ranges::fill(addresses_, 0);
  direct_checked_ = true;
  return set_link_count(transaction, links);
}

Result<void> Inode::set_link_count(Transaction& transaction, i16 count) {
  link_count_.store(count, std::memory_order_relaxed);
  return update(transaction);
}

Result<abi::Stat> Inode::stat() {
  const InodeLock lock(*this);
  LIB_TRY(lock.status());
  return abi::Stat{.device = static_cast<i32>(abi::root_device),
                   .inode = number_,
                   .type = type_,
                   .link_count = link_count(),
                   .size = size()};
}

// --- Reading ---

Result<usize> Inode::read(DataSink& sink, u64& offset, usize count) {
  return lib::copy_to_end([&](usize done) { return read_once(sink, offset, count - done); },
                          [&](usize) { return sink.page_in(); })
      .whole();
}

CopyResult Inode::read_once(DataSink& sink, u64& offset, usize count) {
  const InodeLock lock(*this);
  LIB_TRY(lock.status());
  const u64 begin = offset;
  const u64 end = size();
  if (begin >= end) return {};
  const CopyResult copy = copy_to(sink, begin, std::min<u64>(count, end - begin));
  if (copy.ok() || copy.needs_page_in()) offset = begin + copy.copied;
  return copy;
}

Result<usize> Inode::read_at(u64 offset, std::span<std::byte> memory) {
  MemorySink sink(memory);
  return read(sink, offset, memory.size());
}

Result<usize> Inode::read_locked(u64 offset, std::span<std::byte> memory) {
  if (offset >= size()) return 0;
  MemorySink sink(memory);
  return copy_to(sink, offset, std::min<u64>(memory.size(), size() - offset)).whole();
}

// The range lies inside the file. Blocks that are in memory side by side go over in one piece: for them the copy's
// fixed cost is paid once.
CopyResult Inode::copy_to(DataSink& sink, u64 offset, usize count) {
  const Geometry& geometry = volume_->geometry();
  BlockCache& cache = volume_->cache();
  const bool has_mapped_pages = volume_->pages().count() != 0;
  u32 scratch[32];
  std::span<const u32> blocks;
  usize done = 0;
  while (done < count) {
    const u64 at = offset + done;
    const usize inside = at % block_bytes;
    if (blocks.empty()) {
      const u32 first = static_cast<u32>(at / block_bytes);
      const usize wanted = (offset + count - 1) / block_bytes - first + 1;
      if (first < geometry.direct_count && direct_checked_) {
        blocks = {addresses_ + first, std::min<usize>(wanted, geometry.direct_count - first)};
      } else {
        const auto found = blocks_at(first, std::span(scratch).first(std::min(wanted, std::size(scratch))));
        if (!found) return {done, fail(found.error())};
        blocks = *found;
      }
    }
    CopyResult copy;
    const BlockCache::Run run = has_mapped_pages ? BlockCache::Run{nullptr, 0} : cache.try_pin_run(blocks);
    if (run.count != 0) [[likely]] {
      copy = sink.put({run.bytes() + inside, std::min(count - done, run.count * block_bytes - inside)});
      cache.unpin_run(run);
      blocks = blocks.subspan(run.count);
    } else {
      const usize piece = std::min(count - done, block_bytes - inside);
      copy = copy_block(sink, blocks[0], at, piece, blocks.subspan(1));
      blocks = blocks.subspan(1);
    }
    done += copy.copied;
    if (!copy.ok()) [[unlikely]]
      return {done, copy.end};
  }
  return {done, {}};
}

// Copies from one block, wherever it is: in a mapped page, a hole, the cache or on the disk.
CopyResult Inode::copy_block(DataSink& sink, u32 block, u64 at, usize count, std::span<const u32> following) {
  if (const std::byte* mapped = mapped_bytes(at)) return sink.put({mapped, count});
  if (block == 0) return sink.put({zero_block + at % block_bytes, count});
  const BufferRef buffer = LIB_TRY(volume_->cache().read(block, following));
  return sink.put({buffer.bytes() + at % block_bytes, count});
}

Result<u32> Inode::block_at(u32 index) {
  u32 block;
  LIB_TRY(blocks_at(index, {&block, 1}));
  return block;
}

Result<std::span<u32>> Inode::blocks_at(u32 first, std::span<u32> blocks) {
  const Geometry& geometry = volume_->geometry();
  const u32 direct = geometry.direct_count;
  if (first < direct) {
    const usize count = std::min<usize>(blocks.size(), direct - first);
    for (usize i = 0; i < count; ++i) {
      const u32 block = addresses_[first + i];
      if (block != 0 && !geometry.is_data_block(block)) return fail(Error::corrupt);
      blocks[i] = block;
    }
    return blocks.first(count);
  }
  first -= direct;
  if (first < abi::addresses_per_block) return entries_of(addresses_[direct], first, blocks);
  first -= abi::addresses_per_block;
  if (!geometry.has_double_indirect() || first >= abi::addresses_per_block * abi::addresses_per_block) {
    return fail(Error::too_big);
  }
  u32 table;
  LIB_TRY(entries_of(addresses_[direct + 1], first / abi::addresses_per_block, {&table, 1}));
  return entries_of(table, first % abi::addresses_per_block, blocks);
}

Result<std::span<u32>> Inode::entries_of(u32 table, u32 first, std::span<u32> entries) {
  const Geometry& geometry = volume_->geometry();
  entries = entries.first(std::min<usize>(entries.size(), abi::addresses_per_block - first));
  if (table == 0) {
    std::ranges::fill(entries, 0);
    return entries;
  }
  if (!geometry.is_data_block(table)) return fail(Error::corrupt);
  const BufferRef buffer = LIB_TRY(volume_->cache().read(table));
  const u32* source = buffer.as<u32>() + first;
  for (usize i = 0; i < entries.size(); ++i) {
    if (source[i] != 0 && !geometry.is_data_block(source[i])) return fail(Error::corrupt);
    entries[i] = source[i];
  }
  return entries;
}

// --- Writing ---

// Where a mapped page of this file holds the byte at `offset`; null if the page is not in the set.
std::byte* Inode::mapped_bytes(u64 offset) {
  FilePages& pages = volume_->pages();
  if (pages.count() == 0) [[likely]]
    return nullptr;
  const auto frame = pages.find(number_, offset / FilePages::page_bytes);
  if (!frame) return nullptr;
  return static_cast<std::byte*>(mm::frame_bytes(*frame)) + offset % FilePages::page_bytes;
}

// What to reserve for writing so many bytes: all of it, if the log is large enough.
u32 Inode::write_reserve(u64 bytes) const {
  const u64 blocks = (bytes + block_bytes - 1) / block_bytes;
  // One more for the bitmap block, so that the last of `blocks` still finds room.
  return static_cast<u32>(std::min<u64>(volume_->geometry().write_room() + blocks + 1, volume_->log().capacity()));
}

Result<usize> Inode::write(DataSource& source, u64& offset, usize count) {
  usize total = 0;
  while (total < count) {
    const auto copy = [&](usize done) { return write_once(source, offset, count - total - done); };
    total += LIB_TRY(lib::copy_to_end(copy, [&](usize) { return source.page_in(); }).whole());
  }
  return total;
}

// As much as one transaction has room for.
CopyResult Inode::write_once(DataSource& source, u64& offset, usize count) {
  CopyResult copy;
  Transaction transaction(volume_->log(), write_reserve(count));
  LIB_TRY(transaction.begun());
  {
    const InodeLock lock(*this);
    LIB_TRY(lock.status());
    if (offset > size()) return fail(Error::invalid_argument);
    copy = copy_from(transaction, source, offset, count);
    offset += copy.copied;
  }
  // A call that will fail must not leave its prefix to chance (A5).
  const bool fails = !copy.ok() && !copy.needs_page_in();
  LIB_TRY(fails ? transaction.commit() : transaction.commit_soon());
  return copy;
}

Result<void> Inode::settle() { return volume_->log().settle(); }

// Writes block by block until all is written, the source stops, or the transaction has no room for another block.
// Everything up to where it came, on errors too, is part of the transaction.
CopyResult Inode::copy_from(Transaction& transaction, DataSource& source, u64 offset, usize count) {
  const u32 max_blocks = volume_->geometry().max_file_blocks;
  const u32 write_room = volume_->geometry().write_room();
  const u32 old_size = size();
  u32 old_addresses[abi::inode_address_count];
  std::ranges::copy(addresses_, old_addresses);
  CopyResult copy;
  while (copy.copied < count && copy.ok() && transaction.room() >= write_room) {
    const u64 at = offset + copy.copied;
    if (at / block_bytes >= max_blocks) {
      copy.end = fail(Error::too_big);
      break;
    }
    const auto buffer = block_for_write(transaction, static_cast<u32>(at / block_bytes));
    if (!buffer) {
      copy.end = fail(buffer.error());
      break;
    }
    std::byte* const to = buffer->bytes() + at % block_bytes;
    const CopyResult piece = source.take({to, std::min<usize>(count - copy.copied, block_bytes - at % block_bytes)});
    if (piece.copied != 0) {
      transaction.add(*buffer);
      if (std::byte* mapped = mapped_bytes(at)) std::copy_n(to, piece.copied, mapped);
    }
    copy = {copy.copied + piece.copied, piece.end};
    if (at + piece.copied > size()) set_size(static_cast<u32>(at + piece.copied));
  }
  // Blocks that were allocated beyond the end stay with the file (legal, freed with it), so they must be noted.
  if (size() != old_size || !std::ranges::equal(addresses_, old_addresses)) {
    if (const auto updated = update(transaction); !updated) {
      volume_->log().fail("an operation failed half-way");
      copy.end = updated;
    }
  }
  return copy;
}

Result<void> Inode::write_locked(Transaction& transaction, u64 offset, std::span<const std::byte> bytes) {
  MemorySource source(bytes);
  const usize copied = LIB_TRY(copy_from(transaction, source, offset, bytes.size()).whole());
  if (copied != bytes.size()) return fail(Error::no_space);
  return {};
}

// Writes one mapped page back, in operations of its own: no lock is held, no transaction runs (V28). Never beyond
// the end of the file.
Result<void> Inode::write_page(u64 index) {
  const u64 begin = index * FilePages::page_bytes;
  for (u64 done = 0; done < FilePages::page_bytes;) {
    Transaction transaction(volume_->log(), write_reserve(FilePages::page_bytes - done));
    LIB_TRY(transaction.begun());
    {
      const InodeLock lock(*this);
      LIB_TRY(lock.status());
      const std::byte* bytes = mapped_bytes(begin + done);
      if (bytes == nullptr || begin + done >= size()) return {};
      const u64 count = std::min<u64>(FilePages::page_bytes - done, size() - begin - done);
      MemorySource source({bytes, count});
      const usize copied = LIB_TRY(copy_from(transaction, source, begin + done, count).whole());
      done = copied == count ? FilePages::page_bytes : done + copied;
    }
    LIB_TRY(transaction.commit());
  }
  return {};
}

Result<BufferRef> Inode::block_for_write(Transaction& transaction, u32 index) {
  const Geometry& geometry = volume_->geometry();
  const u32 direct = geometry.direct_count;
  if (index < direct) {
    u32& block = addresses_[index];
    if (block == 0) {
      BufferRef fresh = LIB_TRY(volume_->allocate_block(transaction));
      block = fresh.block();
      return fresh;
    }
    if (!geometry.is_data_block(block)) return fail(Error::corrupt);
    return volume_->cache().read(block);
  }
  index -= direct;
  if (index < abi::addresses_per_block) return block_in_table(transaction, addresses_[direct], index);
  index -= abi::addresses_per_block;
  u32 table;
  {
    // The double-indirect block's entry is a table, allocated like a data block.
    const BufferRef buffer =
        LIB_TRY(block_in_table(transaction, addresses_[direct + 1], index / abi::addresses_per_block));
    table = buffer.block();
  }
  return block_in_table(transaction, table, index % abi::addresses_per_block);
}

// The block that entry `index` of `table` names; both are allocated if missing.
Result<BufferRef> Inode::block_in_table(Transaction& transaction, u32& table, u32 index) {
  const Geometry& geometry = volume_->geometry();
  if (table == 0) table = LIB_TRY(volume_->allocate_block(transaction)).block();
  if (!geometry.is_data_block(table)) return fail(Error::corrupt);
  BufferRef entries = LIB_TRY(volume_->cache().read(table));
  u32& entry = entries.as<u32>()[index];
  if (entry != 0) {
    if (!geometry.is_data_block(entry)) return fail(Error::corrupt);
    const u32 block = entry;
    entries.release();
    return volume_->cache().read(block);
  }
  // In the log before another buffer is asked for: a pin on a logged block may be held while waiting.
  transaction.add(entries);
  BufferRef fresh = LIB_TRY(volume_->allocate_block(transaction));
  entry = fresh.block();
  return fresh;
}

}  // namespace fs
