// SPDX-License-Identifier: MIT
#pragma once
// A mounted file system and its operations by path. One Volume object holds everything that the file system
// keeps in memory; the kernel has one (root_volume), a host test as many as it likes.
//
// Durability (the contract of tests/power): every operation that changes the volume is atomic, and none survives a
// power cut without those that had returned before it began; a write larger than the log is a sequence of operations.
// Operations by path are durable when they return. What was written to a file is durable when the file is closed, when
// any operation by path has returned, after sync(), and by itself after 10 ms if the machine is idle, a few ticks if
// not. A write that fails half-way has made durable what it wrote.

#include <expected>
#include <span>
#include <string_view>

#include "abi/types.hpp"
#include "dev/block_device.hpp"
#include "fs/block_cache.hpp"
#include "fs/geometry.hpp"
#include "fs/inode.hpp"
#include "fs/inode_table.hpp"
#include "fs/log.hpp"
#include "fs/name_cache.hpp"
#include "lib/result.hpp"

namespace fs {

/// Whether a symbolic link in a path's last component stands for its target or for itself. Links in the middle of
/// a path are always followed.
enum class LastLink { follow, keep };

/// What create makes; `major` and `minor` only for devices.
struct NewInode {
  abi::FileType type = abi::FileType::file;
  i16 major = 0;
  i16 minor = 0;
  std::string_view target = {};  ///< of a symbolic link
};

class Volume {
 public:
  Volume();
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;

  /// Mounts the file system on `device`: checks the superblock and the root directory, recovers the log, frees
  /// orphaned inodes (xv6: fsinit, initlog, ireclaim). `cache_memory` becomes the block cache and is kept; it must
  /// hold at least min_buffers buffers. Refuses without having written anything if a field is wrong.
  /// Once; a volume that refused may be tried again.
  [[nodiscard]] std::expected<void, MountError> mount(dev::BlockDevice& device, std::span<std::byte> cache_memory,
                                                      LayoutChoice layout = LayoutChoice::by_size);
  static constexpr u32 min_buffers = 64;

  /// Brings every committed block home and empties the log: the image is complete without its log.
  [[nodiscard]] lib::Result<void> sync();

  // --- Operations by path. `current` is where relative paths start (null handle: the root). Paths are shorter than
  // abi::max_path. Common errors: not_found, not_a_directory, limit_reached, io, corrupt, read_only, no_space. ---

  /// xv6: namei. too_many_links: a cycle of symbolic links.
  [[nodiscard]] lib::Result<InodeRef> find(const InodeRef& current, std::string_view path,
                                           LastLink last = LastLink::follow);
  /// The directory at `path`, for chdir. not_a_directory.
  [[nodiscard]] lib::Result<InodeRef> find_directory(const InodeRef& current, std::string_view path);
  /// mknod, mkdir (xv6: create). already_exists.
  [[nodiscard]] lib::Result<InodeRef> create(const InodeRef& current, std::string_view path, NewInode what);
  /// The inode for open() (xv6: sys_open without the descriptor): created if the mode says so and it is missing,
  /// truncated if it says so. is_a_directory: a directory opened for writing.
  [[nodiscard]] lib::Result<InodeRef> open(const InodeRef& current, std::string_view path, abi::OpenMode mode);
  /// xv6: sys_link. not_permitted: a directory. too_many_links: the count is at its limit (A12).
  [[nodiscard]] lib::Result<void> link(const InodeRef& current, std::string_view existing, std::string_view added);
  /// xv6: sys_unlink. directory_not_empty; not_permitted: "." or "..".
  [[nodiscard]] lib::Result<void> unlink(const InodeRef& current, std::string_view path);
  /// Makes a symbolic link that holds `target`, which need not exist. already_exists.
  [[nodiscard]] lib::Result<void> symlink(const InodeRef& current, std::string_view target, std::string_view path);

  [[nodiscard]] lib::Result<InodeRef> root() { return inodes_.get(abi::root_inode); }
  [[nodiscard]] bool is_mounted() const { return mounted_; }
  [[nodiscard]] bool is_read_only() const { return log_.is_read_only(); }

  // --- Inside fs, for tools and tests. ---

  [[nodiscard]] const Geometry& geometry() const { return geometry_; }
  [[nodiscard]] BlockCache& cache() { return cache_; }
  [[nodiscard]] Log& log() { return log_; }
  [[nodiscard]] InodeTable& inodes() { return inodes_; }
  [[nodiscard]] NameCache& names() { return names_; }
  [[nodiscard]] FilePages& pages() { return pages_; }

  /// A free data block, marked used and filled with zeros (xv6: balloc). no_space.
  [[nodiscard]] lib::Result<BufferRef> allocate_block(Transaction& transaction);
  /// Marks a block free (xv6: bfree). false, and nothing done, if the transaction has not room for the bitmap block
  /// and `spare` others. A block that is free already means a damaged bitmap: the volume becomes read-only.
  [[nodiscard]] lib::Result<bool> free_block(Transaction& transaction, u32 block, u32 spare);
  /// A free inode, marked with `type` (xv6: ialloc). no_space.
  [[nodiscard]] lib::Result<u32> allocate_inode(Transaction& transaction, abi::FileType type);
  /// Copies an inode from or to its place in the inode table, whose blocks many inodes share.
  void load_slot(const BufferRef& block, u32 number, abi::DiskInode& inode);
  void store_slot(const BufferRef& block, u32 number, const abi::DiskInode& inode);
  /// The inode is free on disk: a next allocation may find it.
  void note_free_inode(u32 number);

 private:
  /// Where a walk along a path ends.
  enum class Stop {
    parent,  ///< at the directory that holds the last component
    link,  ///< at what the last component names
    target,  ///< the same, behind symbolic links
  };
  struct PathText {
    char text[abi::max_path];
  };

  [[nodiscard]] lib::Result<InodeRef> start_of(const InodeRef& current, std::string_view path);
  [[nodiscard]] lib::Result<InodeRef> walk(const InodeRef& current, std::string_view path, Stop stop, EntryName& name);
  [[nodiscard]] lib::Result<std::string_view> read_link(Inode& link, PathText& text);
  [[nodiscard]] lib::Result<InodeRef> create_in(Inode& directory, const EntryName& name, const NewInode& what);
  [[nodiscard]] lib::Result<void> fill_new(Transaction& transaction, Inode& directory, const EntryName& name,
                                           Inode& child, const NewInode& what);
  [[nodiscard]] lib::Result<void> free_inode_slot(Transaction& transaction, u32 number);
  [[nodiscard]] lib::Result<InodeRef> open_or_create(const InodeRef& current, std::string_view path, LastLink last);
  [[nodiscard]] lib::Result<void> enter_link(Transaction& transaction, Inode& directory, const EntryName& name,
                                             u32 number);
  [[nodiscard]] lib::Result<void> unlink_in(Inode& directory, const EntryName& name, InodeRef& child);
  void reclaim_orphans();

  bool mounted_ = false;
  Geometry geometry_ = {};
  BlockCache cache_;
  Log log_;
  NameCache names_;
  FilePages pages_;
  InodeTable inodes_;
  locks::SpinLock bitmap_lock_;  ///< bytes of all bitmap blocks
  u32 lowest_free_block_ = 0;  ///< no block below is free; under bitmap_lock_
  locks::SpinLock slots_lock_;  ///< bytes of all inode-table blocks
  u32 lowest_free_inode_ = 1;  ///< no inode below is free; under slots_lock_
};

/// The kernel's one volume.
[[nodiscard]] Volume& root_volume();

}  // namespace fs
