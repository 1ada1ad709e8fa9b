// SPDX-License-Identifier: MIT
#pragma once
// What a hart's translation caches would hold, if it had any of a given size: one for instructions and one for data,
// each fully associative, and behind both a larger one of several ways. All replace what was used longest ago, hold
// pages of every size, and know address spaces (ASID) and global pages. Only fences and replacement empty them.

#include <algorithm>
#include <span>

#include "vellum/isa/privileged.hpp"

namespace vellum {

/// How many translations each cache holds.
struct TlbShape {
  u32 fetch = 32;
  u32 data = 32;
  u32 second = 1024;
  u32 second_ways = 4;

  [[nodiscard]] constexpr u32 entries() const { return fetch + data + second; }
};

/// One translation; empty when `shift` is 0.
struct TlbEntry {
  u64 page = 0;      // virtual
  u64 physical = 0;  // where the page lies
  u16 asid = 0;
  bool is_global = false;
  u8 shift = 0;  // the page has 1 << shift bytes

  [[nodiscard]] bool contains(u64 address) const { return shift != 0 && (address >> shift) == (page >> shift); }
  [[nodiscard]] bool serves(u64 address, u64 space) const { return contains(address) && (is_global || asid == space); }
  [[nodiscard]] u64 target_of(u64 address) const { return physical + (address - page); }
};

/// What an sfence.vma names.
struct FenceOperands {
  bool has_address = false;
  u64 address = 0;
  bool has_asid = false;
  u64 asid = 0;

  /// Whether it removes this translation (privileged manual, 12.2.1).
  [[nodiscard]] bool covers(const TlbEntry& entry) const {
    if (has_address && !entry.contains(address)) return false;
    return !has_asid || (!entry.is_global && entry.asid == asid);
  }
};

/// A cache of `ways` ways over the caller's entries; in each set the one used last stands first.
class AssociativeCache {
 public:
  AssociativeCache(std::span<TlbEntry> entries, u32 ways)
      : entries_(entries), ways_(ways), sets_(entries.size() / ways) {}

  /// The translation that serves this address, which counts as used; null if there is none.
  TlbEntry* find(u64 address, u64 asid) {
    // With one set all sizes of page stand together; else a page's size decides where it stands.
    const u32 sizes = sets_ == 1 ? 1 : 5;
    for (u32 size = 0; size < sizes; ++size) {
      const auto set = set_of(address, static_cast<u8>(12 + 9 * size));
      const auto found = std::find_if(set.begin(), set.end(), [&](const auto& e) { return e.serves(address, asid); });
      if (found == set.end()) continue;
      std::rotate(set.begin(), found, found + 1);
      return &set.front();
    }
    return nullptr;
  }
  void enter(const TlbEntry& entry) {
    const auto set = set_of(entry.page, entry.shift);
    std::rotate(set.begin(), set.end() - 1, set.end());
    set.front() = entry;
  }
  void remove(const FenceOperands& fence) {
    for (TlbEntry& entry : entries_) {
      if (fence.covers(entry)) entry = {};
    }
  }

 private:
  [[nodiscard]] std::span<TlbEntry> set_of(u64 address, u8 shift) {
    return entries_.subspan((address >> shift) % sets_ * ways_, ways_);
  }

  std::span<TlbEntry> entries_;
  usize ways_, sets_;
};

/// One hart's caches.
class Tlb {
 public:
  enum class Found : u8 { first, second, nowhere };

  /// `entries`: shape.entries() of them, empty.
  Tlb(const TlbShape& shape, std::span<TlbEntry> entries)
      : fetch_(entries.first(shape.fetch), shape.fetch),
        data_(entries.subspan(shape.fetch, shape.data), shape.data),
        second_(entries.subspan(shape.fetch + shape.data, shape.second), shape.second_ways) {}

  struct Lookup {
    Found found;
    const TlbEntry* entry;  // null: nowhere
  };
  /// Looks for a translation; one of the second cache goes into the first one too.
  Lookup find(AccessKind kind, u64 address, u64 asid) {
    AssociativeCache& first = kind == AccessKind::fetch ? fetch_ : data_;
    if (const TlbEntry* entry = first.find(address, asid)) return {Found::first, entry};
    if (const TlbEntry* entry = second_.find(address, asid)) {
      first.enter(*entry);
      return {Found::second, entry};
    }
    return {Found::nowhere, nullptr};
  }
  /// Enters what a walk has found.
  void enter(AccessKind kind, const TlbEntry& entry) {
    (kind == AccessKind::fetch ? fetch_ : data_).enter(entry);
    second_.enter(entry);
  }
  void remove(const FenceOperands& fence) {
    for (AssociativeCache* cache : {&fetch_, &data_, &second_}) cache->remove(fence);
  }

 private:
  AssociativeCache fetch_, data_, second_;
};

}  // namespace vellum
