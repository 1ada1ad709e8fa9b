// SPDX-License-Identifier: MIT
#pragma once
// Inodes in memory (xv6: struct inode, fs.c). One object per inode number in use, found by hash in InodeTable.
//
// Locks. An inode's mutex guards everything below "under the mutex" and the file's blocks. Order (A15):
//   1. a Transaction begins before any inode is locked;
//   2. a directory is locked before an inode that an entry of it names; never child before parent ("..": the child
//      is unlocked before the parent is locked);
//   3. a second inode is locked under a directory's only by create, unlink and the end of link; nothing locks two
//      directories of which neither is the parent of the other (there is no rename);
//   4. the spin locks (table, names, bitmap, log, buckets) are leaves, and never held across a sleep.
// A handle may be dropped anywhere but inside a transaction or under an inode's lock: the last handle to an
// unlinked inode frees it on disk, in a transaction of its own.

#include <atomic>
#include <span>

#include "abi/disk.hpp"
#include "abi/types.hpp"
#include "fs/block_cache.hpp"
#include "fs/copy.hpp"
#include "fs/file_pages.hpp"
#include "fs/log.hpp"
#include "lib/intrusive_list.hpp"
#include "lib/result.hpp"
#include "sched/mutex.hpp"

namespace fs {

class InodeRef;
class InodeTable;
class Volume;

class Inode {
 public:
  Inode() : backing_(*this) {}
  Inode(const Inode&) = delete;
  Inode& operator=(const Inode&) = delete;

  [[nodiscard]] u32 number() const { return number_; }
  [[nodiscard]] Volume& volume() const { return *volume_; }

  // --- For callers outside fs: each of these locks the inode itself. ---

  /// xv6: stati.
  [[nodiscard]] lib::Result<abi::Stat> stat();
  /// Reads up to `count` bytes at `offset` and advances it (xv6: readi under fileread). 0 at or beyond the end.
  /// bad_address: the sink refused (nothing is said about what it got; offset unchanged). io, corrupt.
  [[nodiscard]] lib::Result<usize> read(DataSink& sink, u64& offset, usize count);
  /// Reads into kernel memory; fewer bytes than asked only at the end of the file. For exec.
  [[nodiscard]] lib::Result<usize> read_at(u64 offset, std::span<std::byte> memory);
  /// Writes `count` bytes at `offset` and advances it, in as many transactions as the log needs (xv6: filewrite,
  /// writei). All or an error; on an error the prefix that was written stays, and is durable; success may be durable
  /// later (settle). invalid_argument: offset beyond the end. too_big: beyond the largest file. no_space. bad_address:
  /// the source stopped.
  [[nodiscard]] lib::Result<usize> write(DataSource& source, u64& offset, usize count);
  /// Makes every write that has returned durable (see volume.hpp). io, read_only: one of them is lost.
  [[nodiscard]] lib::Result<void> settle();
  /// Cuts the file to nothing (xv6: itrunc).
  [[nodiscard]] lib::Result<void> truncate();
  /// For mmap of a file. Its regions hold the inode themselves (hold, drop).
  [[nodiscard]] mm::FileBacking& backing() { return backing_; }
  [[nodiscard]] abi::FileType type() const { return type_; }

  // --- Inside fs: the caller holds the mutex (InodeLock). ---

  [[nodiscard]] sched::Mutex& mutex() { return mutex_; }
  [[nodiscard]] bool is_directory() const { return type_ == abi::FileType::directory; }
  [[nodiscard]] i16 major() const { return major_; }
  [[nodiscard]] i16 minor() const { return minor_; }
  [[nodiscard]] i16 link_count() const { return link_count_.load(std::memory_order_relaxed); }
  [[nodiscard]] u32 size() const { return size_.load(std::memory_order_relaxed); }

  /// Fills a fresh inode (from allocate) and writes it.
  [[nodiscard]] lib::Result<void> initialise(Transaction& transaction, abi::FileType type, i16 major, i16 minor,
                                             i16 links);
  [[nodiscard]] lib::Result<void> set_link_count(Transaction& transaction, i16 count);
  /// Copies the in-memory inode to its place on disk (xv6: iupdate).
  [[nodiscard]] lib::Result<void> update(Transaction& transaction);
  /// Disk block of file block `index` (xv6: bmap without allocation); 0 is a hole. corrupt: outside the data area.
  [[nodiscard]] lib::Result<u32> block_at(u32 index);
  /// The same for consecutive blocks, as many as one look at the block map gives: at least one, at most the span.
  [[nodiscard]] lib::Result<std::span<u32>> blocks_at(u32 first, std::span<u32> blocks);
  /// The file's block `index`, allocated and zero-filled if it was missing (xv6: bmap and bread). The inode must
  /// be updated afterwards. Uses up to Geometry::write_room of the transaction. no_space.
  [[nodiscard]] lib::Result<BufferRef> block_for_write(Transaction& transaction, u32 index);
  /// Reads into kernel memory; fewer bytes only at the end.
  [[nodiscard]] lib::Result<usize> read_locked(u64 offset, std::span<std::byte> memory);
  /// Writes at most one block's worth within one block, and the inode.
  [[nodiscard]] lib::Result<void> write_locked(Transaction& transaction, u64 offset, std::span<const std::byte> bytes);
  /// Frees blocks from the end until none is left (true) or the transaction has no room (false; call again in a
  /// new one). What is left is a shorter, consistent file. Updates the inode.
  [[nodiscard]] lib::Result<bool> free_blocks(Transaction& transaction);
  /// Blocks to reserve for free_blocks so that it ends at once, or what the log can give.
  [[nodiscard]] u32 truncation_reserve() const;

  /// Lowest offset at which a directory may have a free entry.
  u32 free_entry_hint = 0;

 private:
  friend class InodeLock;
  friend class InodeTable;
  friend class InodeRef;
  friend class InodeBacking;

  enum class Freed { all, no_room };

  void set_size(u32 size) { size_.store(size, std::memory_order_relaxed); }
  [[nodiscard]] lib::Result<void> write_page(u64 index);
  [[nodiscard]] std::byte* mapped_bytes(u64 offset);
  void clear_mapped_pages(u32 old_size);

  [[nodiscard]] lib::Result<void> load();
  [[nodiscard]] CopyResult read_once(DataSink& sink, u64& offset, usize count);
  [[nodiscard]] inline CopyResult copy_to(DataSink& sink, u64 offset, usize count);
  // Not inlined: the way that finds its blocks side by side shall stay short.
  [[nodiscard, gnu::noinline]] CopyResult copy_block(DataSink& sink, u64 at, usize left);
  [[nodiscard, gnu::noinline]] lib::Result<void> find_stretch(u32 index);
  [[nodiscard]] CopyResult write_once(DataSource& source, u64& offset, usize count);
  [[nodiscard]] CopyResult copy_from(Transaction& transaction, DataSource& source, u64 offset, usize count);
  /// A part of the block map: the numbers of blocks that follow one another in the file, 0 for a hole. Not checked.
  struct MapPart {
    BufferRef table;  ///< where they stand, if not in the inode
    std::span<const u32> numbers;
  };
  [[nodiscard]] lib::Result<MapPart> map_from(u32 index);
  [[nodiscard]] lib::Result<MapPart> table_from(u32 table, u32 index);
  [[nodiscard]] lib::Result<BufferRef> block_in_table(Transaction& transaction, u32& table, u32 index);
  [[nodiscard]] lib::Result<Freed> free_one(Transaction& transaction, u32 block);
  [[nodiscard]] lib::Result<Freed> free_table(Transaction& transaction, u32& table, u32 first_index);
  [[nodiscard]] lib::Result<Freed> free_top_table(Transaction& transaction, u32& table, u32 first_index);
  [[nodiscard]] u32 write_reserve(u64 bytes) const;
  [[nodiscard]] lib::Result<Freed> free_empty_table(Transaction& transaction, u32& table, u32 first_index);
  [[nodiscard]] lib::Result<void> cut_table(Transaction& transaction, u32 table, u32 kept);

  /// Under the table's lock; `number_` changes only while nobody refers to the inode.
  Volume* volume_ = nullptr;
  u32 number_ = 0;
  u32 references_ = 0;
  Inode* next_ = nullptr;
  lib::ListLink<Inode> idle_link_;
  InodeBacking backing_;

  sched::Mutex mutex_{"inode"};
  /// Under the mutex.
  bool loaded_ = false;
  abi::FileType type_ = abi::FileType::free;
  i16 major_ = 0;
  i16 minor_ = 0;
  std::atomic<i16> link_count_{0};  ///< also read by the last release, when no one else can change it
  std::atomic<u32> size_{0};  ///< also read by try_acquire_page
  u32 addresses_[abi::inode_address_count] = {};
  /// Blocks of the file, from `first` on, that lie one after the other on the disk, or are all missing (0).
  struct Stretch {
    u32 first = 0;
    u32 count = 0;
    u32 first_block = 0;

    [[nodiscard]] bool has(u32 index) const { return index - first < count; }
    [[nodiscard]] bool is_hole() const { return first_block == 0; }
    /// Neither is for a hole, and `index` is one that it has.
    [[nodiscard]] u32 block(u32 index) const { return first_block + (index - first); }
    [[nodiscard]] usize count_from(u32 index) const { return count - (index - first); }
  };
  /// The stretch that was read from last: a file that is read in small pieces is looked up once for many of them.
  /// Forgotten by whatever may change the block map.
  Stretch stretch_;
};

/// A counted handle (xv6: idup, iput). Move-only; `clone` for a second one.
class InodeRef {
 public:
  InodeRef() = default;
  InodeRef(InodeRef&& other) noexcept : inode_(other.inode_) { other.inode_ = nullptr; }
  InodeRef& operator=(InodeRef&& other) noexcept {
    if (this != &other) {
      reset();
      inode_ = other.inode_;
      other.inode_ = nullptr;
    }
    return *this;
  }
  ~InodeRef() { reset(); }

  [[nodiscard]] InodeRef clone() const;
  void reset() {
    if (inode_ != nullptr) drop();
  }
  [[nodiscard]] Inode* get() const { return inode_; }
  Inode* operator->() const { return inode_; }
  Inode& operator*() const { return *inode_; }
  explicit operator bool() const { return inode_ != nullptr; }

 private:
  friend class InodeTable;
  explicit InodeRef(Inode& inode) : inode_(&inode) {}
  void drop();
  Inode* inode_ = nullptr;
};

/// Locks an inode and makes sure that it is read from disk and in use (xv6: ilock, iunlock).
class [[nodiscard]] InodeLock {
 public:
  enum class WhenBusy { wait, give_up };

  explicit InodeLock(Inode& inode, WhenBusy when_busy = WhenBusy::wait) : inode_(&inode) {
    if (when_busy == WhenBusy::wait) {
      inode.mutex_.lock();
    } else if (!inode.mutex_.try_lock()) {
      inode_ = nullptr;
      failed_ = true;
      error_ = lib::Error::busy;
      return;
    }
    if (!inode.loaded_) [[unlikely]]
      load();
  }
  ~InodeLock() {
    if (inode_ != nullptr) inode_->mutex_.unlock();
  }
  InodeLock(const InodeLock&) = delete;
  InodeLock& operator=(const InodeLock&) = delete;
  /// io; corrupt if the inode is free or its fields are impossible (D3, D7); busy. Check before using the inode.
  [[nodiscard]] lib::Result<void> status() const {
    if (failed_) [[unlikely]]
      return lib::fail(error_);
    return {};
  }

 private:
  void load();

  Inode* inode_;
  bool failed_ = false;
  lib::Error error_ = lib::Error::corrupt;
};

}  // namespace fs
