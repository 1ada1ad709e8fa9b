#pragma once
// Directories: files of 16-byte entries (xv6: dirlookup, dirlink, isdirempty). Free functions on a locked inode.

#include "fs/inode.hpp"
#include "fs/name_cache.hpp"
#include "lib/result.hpp"

namespace fs {

/// What a name stands for.
struct DirectoryEntry {
  u32 inode;
  u32 offset;  ///< of the entry, bytes
};

/// Finds a name in a locked directory (xv6: dirlookup). not_found; corrupt: the entry names no inode of the
/// volume, or the directory itself is damaged; not_found too in a directory that is itself unlinked (A3).
[[nodiscard]] lib::Result<DirectoryEntry> find_entry(Inode& directory, const EntryName& name);

/// Adds a name, which the caller knows to be absent, in the first free entry (xv6: dirlink). Reserve
/// `entry_reserve` blocks for it. no_space, too_big; not_found if the directory is unlinked.
[[nodiscard]] lib::Result<void> add_entry(Transaction& transaction, Inode& directory, const EntryName& name,
                                          u32 inode);

/// Clears the entry.
[[nodiscard]] lib::Result<void> remove_entry(Transaction& transaction, Inode& directory, const EntryName& name,
                                             u32 offset);

/// Whether only "." and ".." are left (xv6: isdirempty).
[[nodiscard]] lib::Result<bool> is_empty(Inode& directory);

/// Blocks that add_entry may log: entry block, bitmap and inode block, and an indirect block with its bitmap and,
/// with two levels, one more of each.
inline constexpr u32 entry_reserve = 7;

}  // namespace fs
