// SPDX-License-Identifier: MIT
#include "fs/inode.hpp"

#include <algorithm>
#include <utility>

#include "fs/volume.hpp"

namespace fs {
namespace {

using lib::Error;
using lib::fail;
using lib::Result;

constexpr usize block_bytes = abi::block_size;
// What a missing block holds, as bytes and as a table of missing blocks.
constexpr u32 zeros[abi::addresses_per_block] = {};

constexpr usize blocks_of(usize bytes) { return (bytes + block_bytes - 1) / block_bytes; }

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
  stretch_ = {};
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
  stretch_ = {};
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

// The range lies inside the file. Blocks that are in memory side by side go over in one piece: for them the copy's
// fixed cost is paid once.
[[gnu::always_inline]] inline CopyResult Inode::copy_to(DataSink& sink, u64 offset, usize count) {
  BlockCache& cache = volume_->cache();
  usize done = 0;
  while (done < count) {
    const u64 at = offset + done;
    const usize inside = at % block_bytes;
    const usize left = count - done;
    const u32 index = static_cast<u32>(at / block_bytes);
    if (!stretch_.has(index)) [[unlikely]] {
      if (const auto found = find_stretch(index); !found) return {done, fail(found.error())};
    }
    BlockCache::Run run{};
    if (!stretch_.is_hole() && volume_->pages().count() == 0) [[likely]]
      run = cache.try_pin_run(stretch_.block(index), std::min(blocks_of(inside + left), stretch_.count_from(index)));
    CopyResult copy;
    if (run.first != nullptr) [[likely]] {
      const std::span<const std::byte> bytes = run.bytes().subspan(inside);
      copy = sink.put(bytes.first(std::min(left, bytes.size())));
      cache.unpin_run(run);
    } else {
      copy = copy_block(sink, at, left);
    }
    done += copy.copied;
    if (!copy.ok()) [[unlikely]]
      return {done, copy.end};
  }
  return {done, {}};
}

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

// Copies from one block of the stretch, wherever it is: in a mapped page, a hole, the cache or on the disk. Of `left`
// bytes that are wanted it copies what is in the block; if the disk must be asked, the others' blocks are read too.
CopyResult Inode::copy_block(DataSink& sink, u64 at, usize left) {
  const usize inside = at % block_bytes;
  const usize count = std::min(left, block_bytes - inside);
  if (const std::byte* mapped = mapped_bytes(at)) return sink.put({mapped, count});
  if (stretch_.is_hole()) return sink.put(std::as_bytes(std::span(zeros)).subspan(inside, count));
  const u32 index = static_cast<u32>(at / block_bytes);
  const u32 block = stretch_.block(index);
  BlockCache& cache = volume_->cache();
  u32 numbers[32];
  std::span<const u32> ahead;
  if (!cache.holds(block)) {
    ahead = LIB_TRY(blocks_at(index, std::span(numbers).first(std::min(blocks_of(inside + left), std::size(numbers)))));
    ahead = ahead.subspan(1);
  }
  const BufferRef buffer = LIB_TRY(cache.read(block, ahead));
  return sink.put({buffer.bytes() + inside, count});
}

// Looks up which block holds the file's block `index`, and how many after it follow it on the disk.
Result<void> Inode::find_stretch(u32 index) {
  const Geometry& geometry = volume_->geometry();
  stretch_ = {};
  const MapPart part = LIB_TRY(map_from(index));
  const u32 first = part.numbers[0];
  if (first != 0 && !geometry.is_data_block(first)) return fail(Error::corrupt);
  const u32 step = first == 0 ? 0 : 1;
  // The data area ends with the volume, so what follows a data block is one as long as it is on the volume.
  const usize most = first == 0 ? part.numbers.size() : std::min<usize>(part.numbers.size(), geometry.size - first);
  u32 expected = first;
  const auto end = std::find_if_not(part.numbers.begin(), part.numbers.begin() + most,
                                    [&](u32 block) { return block == std::exchange(expected, expected + step); });
  stretch_ = {index, static_cast<u32>(end - part.numbers.begin()), first};
  return {};
}

Result<u32> Inode::block_at(u32 index) {
  u32 block;
  LIB_TRY(blocks_at(index, {&block, 1}));
  return block;
}

Result<std::span<u32>> Inode::blocks_at(u32 first, std::span<u32> blocks) {
  const Geometry& geometry = volume_->geometry();
  const MapPart part = LIB_TRY(map_from(first));
  blocks = blocks.first(std::min(blocks.size(), part.numbers.size()));
  for (usize i = 0; i < blocks.size(); ++i) {
    const u32 block = part.numbers[i];
    if (block != 0 && !geometry.is_data_block(block)) return fail(Error::corrupt);
    blocks[i] = block;
  }
  return blocks;
}

// The block map from block `index` on, as far as it stands in one place.
Result<Inode::MapPart> Inode::map_from(u32 index) {
  const Geometry& geometry = volume_->geometry();
  const u32 direct = geometry.direct_count;
  if (index < direct) return MapPart{{}, {addresses_ + index, direct - index}};
  index -= direct;
  if (index < abi::addresses_per_block) return table_from(addresses_[direct], index);
  index -= abi::addresses_per_block;
  if (!geometry.has_double_indirect() || index >= abi::addresses_per_block * abi::addresses_per_block) {
    return fail(Error::too_big);
  }
  u32 table;
  {
    const MapPart tables = LIB_TRY(table_from(addresses_[direct + 1], index / abi::addresses_per_block));
    table = tables.numbers[0];
  }
  return table_from(table, index % abi::addresses_per_block);
}

// The entries of a table from `index` on; a table that is missing has holes only.
Result<Inode::MapPart> Inode::table_from(u32 table, u32 index) {
  const usize count = abi::addresses_per_block - index;
  if (table == 0) return MapPart{{}, {zeros + index, count}};
  if (!volume_->geometry().is_data_block(table)) return fail(Error::corrupt);
  BufferRef buffer = LIB_TRY(volume_->cache().read(table));
  const u32* const numbers = buffer.as<u32>() + index;
  return MapPart{std::move(buffer), {numbers, count}};
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
  stretch_ = {};
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
