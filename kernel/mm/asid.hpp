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

class AsidAllocator {
 public:
  /// Numbers 1 to `highest` are handed out; 0 is the kernel's own. 0 or fewer than two per hart: hardware without useful
  /// ASIDs, every use fences everything.
  void init(u64 highest);

  /// Called by the hart that is about to run a space: makes its tag valid in the current generation, and fences the
  /// hart if it has not yet fenced in it. Returns whether the tag is a new number (nothing of it is cached anywhere).
  bool use(AsidTag& tag);

  [[nodiscard]] u64 generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  bool renew(AsidTag& tag, u32 hart);
  void begin_generation();
  [[nodiscard]] bool is_running(u64 number) const;

  struct alignas(64) Hart {
    std::atomic<u64> running{0};     ///< tag bits of the space it runs, or ran last
    std::atomic<u64> generation{0};  ///< that it has fenced for
  };

  sync::SpinLock lock_{"asid", sync::Rank::memory};
  std::atomic<u64> generation_{1};
  u64 highest_ = 0;
  u64 next_ SYNC_GUARDED_BY(lock_) = 1;
  /// Tags that ran when the generation began: their spaces keep the number.
  u64 kept_[arch::max_harts] SYNC_GUARDED_BY(lock_) = {};
  Hart harts_[arch::max_harts];
};

}  // namespace mm
