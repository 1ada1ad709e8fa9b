// SPDX-License-Identifier: MIT
#include "fs/directory.hpp"

#include <algorithm>
#include <cstring>

#include "fs/volume.hpp"

namespace fs {
namespace {

using lib::Error;
using lib::fail;
using lib::Result;

constexpr u32 entry_bytes = sizeof(abi::Dirent);
constexpr u32 entries_per_block = abi::block_size / entry_bytes;

// A name laid out as an entry on disk holds it (2 bytes of inode number, 14 of name, little-endian), so that an entry
// is compared by two masked words. What follows a NUL on disk is not part of the name.
class EntryPattern {
 public:
  explicit EntryPattern(const EntryName& name)
      : first_(name.word(0) << 16), second_(name.word(0) >> 48 | name.word(1) << 16) {
    const usize significant = std::min<usize>(name.text().size() + 1, abi::name_size);
    first_mask_ = low_bytes(std::min<usize>(significant, 6)) << 16;
    second_mask_ = significant > 6 ? low_bytes(significant - 6) : 0;
  }
  [[nodiscard]] bool matches(const u64* entry) const {
    return ((entry[0] ^ first_) & first_mask_) == 0 && ((entry[1] ^ second_) & second_mask_) == 0;
  }

 private:
  static u64 low_bytes(usize count) { return count >= 8 ? ~u64{0} : (u64{1} << (8 * count)) - 1; }
  u64 first_, second_, first_mask_, second_mask_;
};

u32 inode_of(const u64* entry) { return static_cast<u32>(entry[0] & 0xffff); }

// Calls visit(entry as two words, offset) for every entry from `begin` on until it returns true; a hole has none.
template <class Visit>
Result<void> for_each_entry(Inode& directory, u32 begin, Visit visit) {
  BlockCache& cache = directory.volume().cache();
  u32 run[16];
  std::span<const u32> blocks;
  for (u32 offset = begin; offset < directory.size();) {
    if (blocks.empty()) {
      const u32 first = offset / abi::block_size;
      const usize left = (directory.size() - 1) / abi::block_size - first + 1;
      blocks = LIB_TRY(directory.blocks_at(first, std::span(run).first(std::min(left, std::size(run)))));
    }
    const u32 block = blocks.front();
    blocks = blocks.subspan(1);
    const u32 end = std::min<u32>(directory.size(), (offset / abi::block_size + 1) * abi::block_size);
    if (block == 0) {
      offset = end;
      continue;
    }
    const BufferRef buffer = LIB_TRY(cache.read(block, blocks));
    for (; offset < end; offset += entry_bytes) {
      if (visit(buffer.as<u64>() + 2 * (offset / entry_bytes % entries_per_block), offset)) return {};
    }
  }
  return {};
}

}  // namespace

Result<DirectoryEntry> find_entry(Inode& directory, const EntryName& name) {
  if (!directory.is_directory()) return fail(Error::not_a_directory);
  if (directory.link_count() == 0) return fail(Error::not_found);
  Volume& volume = directory.volume();
  if (const auto known = volume.names().find(directory.number(), name)) {
    return DirectoryEntry{known->inode, known->offset};
  }
  const EntryPattern pattern(name);
  DirectoryEntry found{0, 0};
  u32 first_free = directory.size();
  LIB_TRY(for_each_entry(directory, 0, [&](const u64* entry, u32 offset) {
    const u32 inode = inode_of(entry);
    if (inode == 0) {
      first_free = std::min(first_free, offset);
      return false;
    }
    if (!pattern.matches(entry)) return false;
    found = {inode, offset};
    return true;
  }));
  if (found.inode == 0) {
    directory.free_entry_hint = first_free;
    return fail(Error::not_found);
  }
  if (!volume.geometry().is_inode(found.inode)) return fail(Error::corrupt);
  volume.names().remember(directory.number(), name, {found.inode, found.offset});
  return found;
}

Result<void> add_entry(Transaction& transaction, Inode& directory, const EntryName& name, u32 inode) {
  u32 place = directory.size();
  LIB_TRY(for_each_entry(directory, directory.free_entry_hint, [&](const u64* entry, u32 offset) {
    if (inode_of(entry) != 0) return false;
    place = offset;
    return true;
  }));
  abi::Dirent entry{static_cast<u16>(inode), {}};
  std::ranges::copy(name.text(), entry.name);
  LIB_TRY(directory.write_locked(transaction, place, std::as_bytes(std::span(&entry, 1))));
  directory.free_entry_hint = place + entry_bytes;
  directory.volume().names().remember(directory.number(), name, {inode, place});
  return {};
}

Result<void> remove_entry(Transaction& transaction, Inode& directory, const EntryName& name, u32 offset) {
  const u32 block = LIB_TRY(directory.block_at(offset / abi::block_size));
  if (block == 0) return fail(Error::corrupt);
  const BufferRef buffer = LIB_TRY(directory.volume().cache().read(block));
  std::memset(buffer.bytes() + offset % abi::block_size, 0, entry_bytes);
  transaction.add(buffer);
  directory.free_entry_hint = std::min(directory.free_entry_hint, offset);
  directory.volume().names().forget(directory.number(), name);
  return {};
}

Result<bool> is_empty(Inode& directory) {
  bool empty = true;
  LIB_TRY(for_each_entry(directory, 2 * entry_bytes, [&](const u64* entry, u32) {
    empty = inode_of(entry) == 0;
    return !empty;
  }));
  return empty;
}

}  // namespace fs
