// SPDX-License-Identifier: MIT
#pragma once
// Inodes in memory, found by number (xv6: itable, iget). Unreferenced ones are kept, the longest unused is reused
// first; when every slot is referenced the answer is limit_reached (A2), not a panic.

#include <array>

#include "fs/inode.hpp"
#include "sync/spinlock.hpp"

namespace fs {

class InodeTable {
 public:
  static constexpr usize slot_count = 256;

  explicit InodeTable(Volume& volume);
  InodeTable(const InodeTable&) = delete;
  InodeTable& operator=(const InodeTable&) = delete;

  /// A handle to the inode; its content is read when it is first locked. `number` must be one of the volume's
  /// (corrupt if not). limit_reached: every slot is in use.
  [[nodiscard]] lib::Result<InodeRef> get(u32 number);
  /// Inodes with at least one handle.
  [[nodiscard]] u32 referenced_count();
  /// Forgets all unreferenced inodes; false if some are referenced. Before a mount.
  bool clear();

 private:
  friend class InodeRef;
  friend class InodeBacking;
  static constexpr usize bucket_count = 256;

  void acquire(Inode& inode);
  void release(Inode& inode);
  [[nodiscard]] bool try_release(Inode& inode);
  void reclaim(Inode& inode);
  void unchain(Inode& inode);
  [[nodiscard]] static bool cannot_reclaim(const Inode& inode);

  locks::SpinLock lock_;
  std::array<Inode*, bucket_count> buckets_{};
  lib::IntrusiveList<Inode, &Inode::idle_link_> idle_;  ///< least recently released first
  std::array<Inode, slot_count> slots_;
};

}  // namespace fs
