// SPDX-License-Identifier: MIT
#pragma once
// What was stored to page-table entries: who, when, and what stood there before. The newest changes are kept, in memory
// that the caller gives; the oldest make room.

#include <span>

#include "vellum/isa/privileged.hpp"
#include "vellum/judge/moment.hpp"

namespace vellum {

/// One change of eight bytes that a walk has read as an entry.
struct EntryChange {
  u64 address = 0;  // physical, a multiple of 8
  u64 old_value = 0, new_value = 0;
  u64 tick = 0;  // order among all that the judges see
  Moment by{};
  CallChain callers{};
  u64 older = 0;  // the change before in the same bucket: its number, counted from 1; 0: none
  u64 older_global = 0;  // the last one before of the same address whose old value was a global leaf

  [[nodiscard]] bool took_global_leaf() const {
    return (old_value & entry::valid) != 0 && (old_value & entry::rights) != 0 && (old_value & entry::global) != 0;
  }
};

class EntryHistory {
 public:
  /// `buckets.size()` is a power of two.
  EntryHistory(std::span<EntryChange> changes, std::span<u64> buckets) : changes_(changes), buckets_(buckets) {}

  void note(EntryChange change) {
    u64& newest = bucket_of(change.address);
    change.older = newest;
    if (const u64 last = number_of(newest, change.address); last != 0) {
      change.older_global = at(last).took_global_leaf() ? last : at(last).older_global;
    }
    changes_[count_ % changes_.size()] = change;
    newest = ++count_;
  }

  /// The newest change of this address that is still known; null if there is none.
  [[nodiscard]] const EntryChange* newest(u64 address) const { return find(bucket_of(address), address); }
  /// The change of the same address before this one.
  [[nodiscard]] const EntryChange* before(const EntryChange& change) const {
    return find(change.older, change.address);
  }

  /// ... that took away a global leaf: what stays in a hart longest.
  [[nodiscard]] const EntryChange* global_before(const EntryChange& change) const {
    return is_known(change.older_global) ? &at(change.older_global) : nullptr;
  }

  /// Back to the first so many changes: after the machine was brought back to a moment when there were no more.
  void forget_after_step(u64 step);

 private:
  [[nodiscard]] u64& bucket_of(u64 address) const {
    const u64 mixed = (address >> 3) * 0x9e37'79b9'7f4a'7c15;
    return buckets_[mixed >> 20 & (buckets_.size() - 1)];
  }
  [[nodiscard]] bool is_known(u64 number) const { return number != 0 && number + changes_.size() > count_; }
  [[nodiscard]] const EntryChange& at(u64 number) const { return changes_[(number - 1) % changes_.size()]; }
  /// The newest change of this address from that one on, down its bucket; 0: none is known.
  [[nodiscard]] u64 number_of(u64 number, u64 address) const {
    while (is_known(number)) {
      if (at(number).address == address) return number;
      number = at(number).older;
    }
    return 0;
  }
  [[nodiscard]] const EntryChange* find(u64 number, u64 address) const {
    const u64 found = number_of(number, address);
    return found != 0 ? &at(found) : nullptr;
  }

  std::span<EntryChange> changes_;
  std::span<u64> buckets_;
  u64 count_ = 0;  // of all changes ever noted
};

inline void EntryHistory::forget_after_step(u64 step) {
  while (is_known(count_)) {
    const EntryChange& change = at(count_);
    if (change.by.step <= step) return;
    bucket_of(change.address) = change.older;
    --count_;
  }
}

}  // namespace vellum
