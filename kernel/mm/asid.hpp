// SPDX-License-Identifier: MIT
#pragma once
// Address-space identifiers, handed out in generations: when the numbers are used up a new generation begins, and each
// hart forgets everything before it uses a number of the new one.

#include <atomic>

#include "arch/port.hpp"
#include "sync/spinlock.hpp"

namespace mm {

/// A number together with the generation that it is valid in. Generation 0: never had one.
class AsidTag {
 public:
  constexpr AsidTag() = default;
  constexpr AsidTag(u64 generation, u64 number) : bits_(generation << 16 | number) {}
  [[nodiscard]] constexpr u64 generation() const { return bits_ >> 16; }
  [[nodiscard]] constexpr sv39::Asid asid() const { return sv39::Asid(bits_ & 0xffff); }
  [[nodiscard]] constexpr u64 bits() const { return bits_; }
  [[nodiscard]] static constexpr AsidTag from_bits(u64 bits) { return AsidTag(bits >> 16, bits & 0xffff); }
  friend constexpr bool operator==(AsidTag, AsidTag) = default;

 private:
  u64 bits_ = 0;
};

/// Why a number may be handed out again while a space of the old generation still runs under it on another hart: fences
/// are local and a TLB belongs to one hart. That hart keeps the old translations only until it next runs a space with
/// a tag of the new generation, and then it fences everything, because it has not yet done so in it.
///
/// Why that fence comes after satp is written and not before: (1) until the write the hart runs under its old number,
/// of an old generation, and may fetch translations of the old space at any moment, after a fence too; (2) they would
/// stay, for the hart has now fenced in the new generation and will not do it again; (3) later the number is given to
/// another space, which runs on this hart and meets them.
class AsidAllocator {
 public:
  /// Numbers 1 to `highest` are handed out; 0 is the kernel's own. `highest` 0: hardware without ASIDs, a fence of
  /// everything is owed after every write of satp.
  void init(u64 highest) { highest_ = highest; }

  /// Called by the hart that is about to run a space: makes its tag valid in the current generation. Returns whether it
  /// is a new number (nothing of it is cached anywhere that will not be fenced first).
  [[nodiscard]] bool renew_if_old(AsidTag& tag) {
    if (tag.generation() == generation() && highest_ != 0) [[likely]]
      return false;
    renew(tag);
    return true;
  }

  /// Called once satp holds the tag's number: fences the hart if it has not yet fenced in the tag's generation.
  void fence_if_owed(AsidTag tag) {
    if (harts_[arch::hart_index()].generation.load(std::memory_order_relaxed) != tag.generation()) [[unlikely]]
      fence_for(tag);
  }

  [[nodiscard]] bool has_numbers() const { return highest_ != 0; }

  [[nodiscard]] u64 generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  void renew(AsidTag& tag);
  void fence_for(AsidTag tag);

  struct alignas(64) Hart {
    std::atomic<u64> generation{0};  ///< that it has fenced for
  };

  locks::SpinLock lock_{"asid", locks::Rank::memory};
  std::atomic<u64> generation_{1};
  u64 highest_ = 0;
  u64 next_ SYNC_GUARDED_BY(lock_) = 1;
  Hart harts_[arch::max_harts];
};

}  // namespace mm
