// SPDX-License-Identifier: MIT
#pragma once
// What a file-backed region asks of the file system; kernel/fs implements it for an in-memory inode.

#include <atomic>

#include "lib/result.hpp"
#include "sv39/address.hpp"

namespace mm {

/// The pages of one file that are mapped somewhere. A page is found by its index (offset / 4096) and lives in one
/// frame, so that all mappings and read() and write() see the same bytes. The frame's state is FrameState::file.
class FileBacking {
 public:
  /// One more, one fewer region refers to this file (also across close and unlink). drop() may sleep.
  virtual void hold() = 0;
  virtual void drop() = 0;

  /// The frame of page `index`, read from the file if it is not in memory, zero past the end of the file. Counts one
  /// mapping of the page. May sleep. bad_address when the page lies wholly beyond the end; no_memory, io.
  [[nodiscard]] virtual lib::Result<sv39::Ppn> acquire_page(sv39::u64 index) = 0;

  /// The same if the page is in memory already, else not_found. Never sleeps.
  [[nodiscard]] virtual lib::Result<sv39::Ppn> try_acquire_page(sv39::u64 index) = 0;

  /// A shared mapping of the page (which holds it by acquire_page) is about to be written through. Never sleeps.
  virtual void mark_dirty(sv39::u64 index) = 0;

  /// One mapping of the page fewer; the translation is gone and fenced. The last one of a dirty page writes it back
  /// through the log, never beyond the end of the file, and the frame is freed. May sleep. An error has nobody to go to
  /// any more: the file system says which file lost a page, and takes no more writes.
  virtual void release_page(sv39::u64 index) = 0;

  /// Writes the page back now if it is dirty and mapped by the caller alone, for a caller who can still be told
  /// (munmap); then its release writes nothing. Not for a page that the caller does not map: whoever does may store
  /// without a fault that would mark it anew. May sleep. After an error it is dirty as before.
  [[nodiscard]] virtual lib::Result<void> write_back(sv39::u64 index) = 0;

 protected:
  ~FileBacking() = default;
};

/// Mappings of file pages that are out of their tables and not yet released, because a release may sleep. Until then
/// the pages count them: the invariant checker needs the number to come out even.
inline std::atomic<sv39::u64> releases_pending{0};

/// release_page() of a mapping that was added to releases_pending when its entry was cleared.
inline void release_pending(FileBacking& backing, sv39::u64 index) {
  backing.release_page(index);
  releases_pending.fetch_sub(1, std::memory_order_relaxed);
}

/// release_page() of a mapping that no table shows any more, or does not show yet.
inline void release_unmapped(FileBacking& backing, sv39::u64 index) {
  releases_pending.fetch_add(1, std::memory_order_relaxed);
  release_pending(backing, index);
}

}  // namespace mm
