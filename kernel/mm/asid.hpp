// Address-space identifiers, handed out in generations: when the numbers are used up a new generation begins, and each
// hart forgets everything before it uses a number of the new one.
#pragma once

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
/// a tag of the new generation, and before that it fences everything, because it has not yet done so in it.
class AsidAllocator {
 public:
  /// Numbers 1 to `highest` are handed out; 0 is the kernel's own. `highest` 0: hardware without ASIDs, every use
  /// fences everything.
  void init(u64 highest) { highest_ = highest; }

  /// Called by the hart that is about to run a space: makes its tag valid in the current generation, and fences the
  /// hart if it has not yet fenced in it. Returns whether the tag is a new number (nothing of it is cached anywhere
  /// that will not be fenced first).
  bool use(AsidTag& tag);

  [[nodiscard]] u64 generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  void renew(AsidTag& tag);

  struct alignas(64) Hart {
    std::atomic<u64> generation{0};  ///< that it has fenced for
  };

  sync::SpinLock lock_{"asid", sync::Rank::memory};
  std::atomic<u64> generation_{1};
  u64 highest_ = 0;
  u64 next_ SYNC_GUARDED_BY(lock_) = 1;
  Hart harts_[arch::max_harts];
};

}  // namespace mm
