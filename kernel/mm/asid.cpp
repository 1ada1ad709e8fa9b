#include "mm/asid.hpp"

#include "mm/counters.hpp"

namespace mm {

bool AsidAllocator::use(AsidTag& tag) {
  std::atomic<u64>& fenced = harts_[arch::hart_index()].generation;
  const bool fresh = tag.generation() != generation() || highest_ == 0;
  if (fresh) [[unlikely]]
    renew(tag);
  if (fenced.load(std::memory_order_relaxed) != tag.generation() || highest_ == 0) [[unlikely]] {
    arch::fence_all();
    count(VmEvent::fence_all);
    fenced.store(tag.generation(), std::memory_order_relaxed);
  }
  return fresh;
}

void AsidAllocator::renew(AsidTag& tag) {
  sync::Guard guard(lock_);
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
