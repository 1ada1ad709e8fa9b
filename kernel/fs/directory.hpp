// SPDX-License-Identifier: MIT
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

/// Adds a name, which the caller knows to be absent, in the first free entry (xv6: dirlink). Uses up to
/// Geometry::write_room blocks of the transaction. no_space, too_big.
[[nodiscard]] lib::Result<void> add_entry(Transaction& transaction, Inode& directory, const EntryName& name, u32 inode);

/// Clears the entry at `offset`.
[[nodiscard]] lib::Result<void> remove_entry(Transaction& transaction, Inode& directory, const EntryName& name,
                                             u32 offset);

/// Whether only the first two entries, "." and "..", are used (xv6: isdirempty).
[[nodiscard]] lib::Result<bool> is_empty(Inode& directory);

}  // namespace fs
