// SPDX-License-Identifier: MIT
#pragma once
// Directory lookups that were made before: (directory, name) to (inode, offset of the entry). It never goes
// stale, because every change of a directory passes through Directory under that directory's mutex, which tells
// the cache in the same breath; so a hit needs no look at the disk. It forgets freely: a miss proves nothing.

#include <array>
#include <cstring>
#include <optional>
#include <string_view>

#include "abi/types.hpp"
#include "lib/types.hpp"
#include "sync/spinlock.hpp"

namespace fs {

/// A directory entry's name as two words, padded with NUL: comparing is two xors. Longer names are cut to 14
/// characters, as xv6 does (skipelem, strncmp(..., DIRSIZ)).
class EntryName {
 public:
  EntryName() = default;
  explicit EntryName(std::string_view text) {
    std::memcpy(words_.data(), text.data(), text.size() < abi::name_size ? text.size() : abi::name_size);
  }
  [[nodiscard]] bool operator==(const EntryName&) const = default;
  [[nodiscard]] u64 word(usize index) const { return words_[index]; }
  /// Without the padding.
  [[nodiscard]] std::string_view text() const {
    const char* begin = reinterpret_cast<const char*>(words_.data());
    return {begin, strnlen(begin, abi::name_size)};
  }
  [[nodiscard]] bool is_dot() const { return words_[0] == '.' && words_[1] == 0; }
  [[nodiscard]] bool is_dot_dot() const { return words_[0] == 0x2e2e && words_[1] == 0; }

 private:
  std::array<u64, 2> words_{};  ///< bytes 14 and 15 stay 0
};

class NameCache {
 public:
  struct Found {
    u32 inode;
    u32 offset;  ///< of the entry in the directory, bytes
  };

  NameCache();
  NameCache(const NameCache&) = delete;
  NameCache& operator=(const NameCache&) = delete;

  /// The caller holds the directory's mutex in all of these.
  [[nodiscard]] std::optional<Found> find(u32 directory, const EntryName& name);
  void remember(u32 directory, const EntryName& name, Found found);
  void forget(u32 directory, const EntryName& name);
  /// A name that was looked up for the inode before, for a report. No lock is wanted: it may be out of date.
  [[nodiscard]] std::optional<EntryName> name_of(u32 inode);
  /// Only before a mount.
  void clear();

 private:
  static constexpr usize sets = 512, ways = 4, lock_count = 16;
  struct Entry {
    EntryName name;
    u32 directory = 0;  ///< 0: empty
    u32 inode = 0;
    u32 offset = 0;
  };
  struct Set {
    Entry entries[ways];
    u32 next_victim = 0;
  };
  struct SetLock : locks::SpinLock {
    SetLock() : locks::SpinLock("names", locks::Rank::inode_table) {}
  };

  [[nodiscard]] static usize set_of(u32 directory, const EntryName& name);

  Set sets_[sets];
  SetLock locks_[lock_count];
};

}  // namespace fs
