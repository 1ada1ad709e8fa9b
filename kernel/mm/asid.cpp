// SPDX-License-Identifier: MIT
#include "mm/asid.hpp"

#include "mm/counters.hpp"

namespace mm {

[[gnu::noinline]] void AsidAllocator::fence_for(AsidTag tag) {
  arch::fence_all();
  count(VmEvent::fence_all);
  // Without numbers the generation stays 1, and no hart has ever fenced for good.
  if (has_numbers()) harts_[arch::hart_index()].generation.store(tag.generation(), std::memory_order_relaxed);
}

[[gnu::noinline]] void AsidAllocator::renew(AsidTag& tag) {
  locks::Guard guard(lock_);
  u64 generation = generation_.load(std::memory_order_relaxed);
  if (highest_ == 0) {
    tag = AsidTag(generation, 0);
    return;
  }
  if (next_ > highest_) {
    generation_.store(++generation, std::memory_order_release);
    next_ = 1;
    count(VmEvent::asid_generation);
  }
  tag = AsidTag(generation, next_++);
}

}  // namespace mm
