// SPDX-License-Identifier: MIT
#pragma once
// The pages of files that are mapped somewhere (mmap). Almost always there are none: files are cached as blocks,
// and only a mapping needs whole frames. While a page is here, read() and write() go through it, so that mappings
// and file calls see the same bytes; changes through a shared mapping reach the disk when the last mapping ends.
//
// A page's record is the frame's own (mm::Frame::FilePage). Its count: 1 for this set, and 1 for each mapping.
//
// Locks. Pages enter and leave the set under their inode's mutex; counts, marks and chains change under `lock_`. So
// who holds the mutex may use a frame that he found without counting it.

#include <array>
#include <optional>

#include "lib/result.hpp"
#include "mm/backing.hpp"
#include "mm/frames.hpp"
#include "sync/spinlock.hpp"

namespace fs {

class Inode;

class FilePages {
 public:
  static constexpr u64 page_bytes = sv39::page_size;

  FilePages();
  FilePages(const FilePages&) = delete;
  FilePages& operator=(const FilePages&) = delete;

  /// The page's frame, if it is in the set. The caller holds the inode's mutex.
  [[nodiscard]] std::optional<sv39::Ppn> find(u32 inode, u64 index);
  /// The same, counting one more mapping. Any caller.
  [[nodiscard]] std::optional<sv39::Ppn> find_and_count(u32 inode, u64 index);
  /// Adds a frame with one mapping. Under the inode's mutex.
  void add(u32 inode, u64 index, sv39::Ppn frame);
  void mark_dirty(u32 inode, u64 index);

  enum class Released {
    done,   ///< one mapping fewer
    last,   ///< nothing was done: it is the last mapping
    dirty,  ///< nothing was done: it is the last mapping, and the page must be written first
  };
  /// Drops a mapping unless it is the last one. Any caller.
  [[nodiscard]] Released release_shared(u32 inode, u64 index);
  /// Drops a mapping, and the page with the last one unless it is dirty. Under the inode's mutex.
  [[nodiscard]] Released release(u32 inode, u64 index);
  /// Takes the dirty mark off; false if there was none or the page is not in the set.
  [[nodiscard]] bool take_dirty(u32 inode, u64 index);
  /// The same only if a single mapping is left; else the mark stays, since others may go on writing without a fault
  /// that would set it again.
  [[nodiscard]] bool take_dirty_of_sole_owner(u32 inode, u64 index);
  /// Pages of all files.
  [[nodiscard]] u32 count() const { return count_.load(std::memory_order_relaxed); }

 private:
  static constexpr usize bucket_count = 512;
  static constexpr u32 dirty_mark = u32{1} << 31;

  [[nodiscard]] static usize bucket_of(u32 inode, u64 index) { return (inode * 31 + index) % bucket_count; }
  [[nodiscard]] std::optional<mm::Frame::FilePage> locate(u32 inode, u64 index, sv39::Ppn& frame);
  void unchain(u32 inode, u64 index);

  locks::SpinLock lock_;
  std::atomic<u32> count_{0};
  std::array<u32, bucket_count> heads_;
};

/// What an address space sees of an inode. Part of the inode.
class InodeBacking final : public mm::FileBacking {
 public:
  explicit InodeBacking(Inode& inode) : inode_(inode) {}
  void hold() override;
  void drop() override;
  [[nodiscard]] lib::Result<sv39::Ppn> acquire_page(u64 index) override;
  [[nodiscard]] lib::Result<sv39::Ppn> try_acquire_page(u64 index) override;
  void mark_dirty(u64 index) override;
  void release_page(u64 index) override;
  [[nodiscard]] lib::Result<void> write_back(u64 index) override;

 private:
  [[nodiscard]] FilePages& pages() const;
  void write_last(u64 index);
  void lose(u64 index);
  Inode& inode_;
};

}  // namespace fs
