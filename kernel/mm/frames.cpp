// SPDX-License-Identifier: MIT
#include "mm/frames.hpp"

#include "lib/bug.hpp"
#include "lib/memory.hpp"
#include "mm/fail_nth.hpp"
#include "mm/poison.hpp"

namespace mm {

namespace {

constinit FrameAllocator the_frames;

}  // namespace

FrameAllocator& frames() { return the_frames; }

// Caches of single frames.

void FrameAllocator::push(List& list, u32 number, FrameState state) {
  Frame& frame = table_[number];
  frame.state = state;
  frame.cached().next = list.head;
  list.head = number;
  ++list.count;
}

/// The list's first frame; no_frame when it is empty.
inline u32 FrameAllocator::pop(List& list) {
  if (list.count == 0) return no_frame;
  const u32 number = list.head;
  list.head = table_[number].cached().next;
  --list.count;
  return number;
}

/// A frame of the hart's own cache, if there is one in the wanted state; no_frame when the cache is empty.
inline u32 FrameAllocator::pop_own(Cache& cache, Zero wanted) {
  locks::Guard guard(cache.lock);
  if (wanted == Zero::yes && cache.zero.count != 0) return pop(cache.zero);
  if (cache.plain.count != 0) [[likely]]
    return pop(cache.plain);
  return pop(cache.zero);
}

/// A frame from elsewhere, for an empty cache. (Apart, so that the usual way saves few registers.)
[[gnu::noinline]] u32 FrameAllocator::fetch(u32 hart) {
  // Frames that another hart is moving are in no list: that none was found is the truth only if none was on its way.
  // A move is short and waits for nobody, so look again until then.
  for (;;) {
    const Moves::Watch watch(moves_);
    u32 number = refill(hart);
    if (number == no_frame) number = rob(hart);
    if (number != no_frame || watch.saw_none()) return number;
  }
}

/// Moves a batch from the buddy lists into the hart's cache; returns one frame of it, no_frame if there is none.
u32 FrameAllocator::refill(u32 hart) {
  u32 number = no_frame;
  u32 order = batch_order + 1;
  {
    locks::Guard guard(lock_);
    while (number == no_frame && order > 0) number = take_block(--order);
    if (number == no_frame) return no_frame;
    moves_.begin();
  }
  {
    Cache& cache = caches_[hart];
    locks::Guard guard(cache.lock);
    // Pushed backwards, so that they are handed out in order of address: neighbours may become a superpage.
    for (u32 i = (1U << order) - 1; i > 0; --i) push(cache.plain, number + i, FrameState::cached);
    table_[number].state = FrameState::cached;
  }
  moves_.end();
  return number;
}

/// Takes frames out of another hart's cache: one is returned, the others go into the thief's own.
[[gnu::noinline]] u32 FrameAllocator::rob(u32 thief) {
  u32 taken[1U << batch_order];
  for (u32 i = 1; i < arch::max_harts; ++i) {
    Cache& victim = caches_[(thief + i) % arch::max_harts];
    u32 count = 0;
    {
      locks::Guard guard(victim.lock);
      const u32 share = (victim.plain.count + victim.zero.count + 1) / 2;
      while (count < share && count < (1U << batch_order)) {
        u32 number = pop(victim.plain);
        taken[count++] = number != no_frame ? number : pop(victim.zero);
      }
      if (count == 0) continue;
      moves_.begin();
    }
    mm::count(VmEvent::frame_stolen);
    {
      Cache& own = caches_[thief];
      locks::Guard guard(own.lock);
      for (u32 j = 1; j < count; ++j) {
        FrameState state = table_[taken[j]].state;
        push(state == FrameState::cached_zero ? own.zero : own.plain, taken[j], state);
      }
    }
    moves_.end();
    return taken[0];
  }
  return no_frame;
}

void FrameAllocator::cache_single(u32 number, Zero zero) {
  Cache& cache = caches_[arch::hart_index()];
  bool full;
  {
    locks::Guard guard(cache.lock);
    if (zero == Zero::yes) {
      push(cache.zero, number, FrameState::cached_zero);
      full = cache.zero.count > zero_limit;
    } else {
      push(cache.plain, number, FrameState::cached);
      full = cache.plain.count > cache_limit;
    }
  }
  if (full) [[unlikely]]
    drain(cache, cache_keep, zero_limit / 2);
}

/// Gives what a cache holds above the two lengths back to the buddy lists, in pieces that fit the stack.
[[gnu::noinline]] void FrameAllocator::drain(Cache& cache, u32 keep_plain, u32 keep_zero) {
  u32 taken[64];
  for (;;) {
    u32 count = 0;
    {
      locks::Guard guard(cache.lock);
      while (count < 64 && cache.plain.count > keep_plain) taken[count++] = pop(cache.plain);
      while (count < 64 && cache.zero.count > keep_zero) taken[count++] = pop(cache.zero);
      if (count == 0) return;
      moves_.begin();
    }
    {
      locks::Guard guard(lock_);
      for (u32 i = 0; i < count; ++i) give_block(taken[i], 0);
    }
    moves_.end();
  }
}

void FrameAllocator::drain_caches() {
  for (Cache& cache : caches_) drain(cache, 0, 0);
}

/// A block from the buddy lists; no_frame if there is none of this order.
u32 FrameAllocator::find_block(u32 order) {
  const locks::Guard guard(lock_);
  return take_block(order);
}

// Handing out and taking back.

u64 FrameAllocator::take_single(FrameState use, Zero zero) {
  if (somebody_makes_allocations_fail()) [[unlikely]]
    return take_unless_it_must_fail(use, zero);
  const u32 number = pop_own(caches_[arch::hart_index()], zero);
  if (number == no_frame) [[unlikely]]
    return take_anywhere(use, zero);
  return hand_out(number, use, zero).value();
}

[[gnu::noinline]] u64 FrameAllocator::take_unless_it_must_fail(FrameState use, Zero zero) {
  return allocation_must_fail() ? no_ppn : take_anywhere(use, zero);
}

/// The same wherever a frame can be found: the hart's own cache first.
[[gnu::noinline]] u64 FrameAllocator::take_anywhere(FrameState use, Zero zero) {
  const u32 hart = arch::hart_index();
  u32 number = pop_own(caches_[hart], zero);
  if (number == no_frame) number = fetch(hart);
  return number == no_frame ? no_ppn : hand_out(number, use, zero).value();
}

/// A single frame that is in no list any more becomes the caller's.
inline Ppn FrameAllocator::hand_out(u32 number, FrameState use, Zero zero) {
  HartCounters& counters = arch::own_counters();
  counters.add(VmEvent::frame_allocated);
  const FrameState found = table_[number].state;
  check_free(number, found, 0);
  claim(number, use, 0);
  const Ppn ppn = ppn_of(number);
  if (zero == Zero::yes && found != FrameState::cached_zero) {
    counters.add(VmEvent::frame_zeroed);
    lib::zero_page(frame_bytes(ppn));
  }
  return ppn;
}

u64 FrameAllocator::take_block_for(FrameState use, Zero zero, Order wanted) {
  if (allocation_must_fail()) return no_ppn;
  const u32 order = static_cast<u32>(wanted);
  u32 number = find_block(order);
  if (number == no_frame) {
    // The missing parts may lie in the caches.
    drain_caches();
    number = find_block(order);
    if (number == no_frame) return no_ppn;
  }
  count(VmEvent::frame_allocated, u64{1} << order);
  check_free(number, FrameState::free, order);
  claim(number, use, order);
  if (zero == Zero::yes) {
    count(VmEvent::frame_zeroed, u64{1} << order);
    for (u64 i = 0; i < u64{1} << order; ++i) lib::zero_page(frame_bytes(ppn_of(number) + i));
  }
  return ppn_of(number).value();
}

void FrameAllocator::claim(u32 number, FrameState use, u32 order) {
  Frame& frame = table_[number];
  frame.state = use == FrameState::user && order == static_cast<u32>(Order::megapage) ? FrameState::compound : use;
  frame.order = static_cast<u8>(order);
  frame.refs.store(1, std::memory_order_relaxed);
}

/// Debug: a free frame still holds what it was left with.
void FrameAllocator::check_free([[maybe_unused]] u32 number, [[maybe_unused]] FrameState found,
                                [[maybe_unused]] u32 order) const {
#if BIFOLIUM_DEBUG
  if (found == FrameState::cached_zero) {
    if (!is_filled_with(frame_bytes(ppn_of(number)), 0)) lib::bug("a frame kept as zero was written to while free");
    return;
  }
  for (u32 i = 0; i < 1U << order; ++i) {
    Frame& frame = table_[number + i];
    if (!frame.is_poisoned()) continue;
    frame.forget_poison();
    if (!is_filled_with(frame_bytes(ppn_of(number + i)), poison_word)) lib::bug("a frame was written to while free");
  }
#endif
}

void FrameAllocator::free_last(Ppn ppn, u32 order) {
  const u32 number = number_of(ppn);
  count(VmEvent::frame_freed, u64{1} << order);
#if BIFOLIUM_DEBUG
  for (u32 i = 0; i < 1U << order; ++i) {
    fill_page(frame_bytes(ppn + i), poison_word);
    table_[number + i].note_poisoned();
  }
#endif
  if (order == 0) {
    cache_single(number, Zero::no);
    return;
  }
  locks::Guard guard(lock_);
  table_[number].state = FrameState::inside;
  give_block(number, order);
}

void FrameAllocator::free(Ppn ppn, Order order) {
  if (!contains(ppn)) lib::bug("free of an address that is not RAM");
  Frame& frame = record(ppn);
  if (!is_used(frame.state) || frame.order != static_cast<u8>(order) ||
      frame.refs.load(std::memory_order_acquire) != 1) {
    wrong_free(frame.state);
  }
  frame.refs.store(0, std::memory_order_relaxed);
  free_last(ppn, static_cast<u32>(order));
}

void FrameAllocator::free_zeroed(Ppn ppn) {
  if (!contains(ppn)) lib::bug("free of an address that is not RAM");
  Frame& frame = record(ppn);
  if (!is_used(frame.state) || frame.order != 0 || frame.refs.load(std::memory_order_acquire) != 1) {
    wrong_free(frame.state);
  }
  frame.refs.store(0, std::memory_order_relaxed);
  count(VmEvent::frame_freed);
  cache_single(number_of(ppn), Zero::yes);
}

void FrameAllocator::last_unref(Ppn ppn, Frame& frame, u32 before) {
  if (before == 0 || !is_used(frame.state) || frame.order != 0) wrong_free(frame.state);
  free_last(ppn, 0);
}

u64 FrameAllocator::free_count() const {
  return free_frames(managed_count(), [](VmEvent event) {
    const u64 sum = total(event);
    std::atomic_thread_fence(std::memory_order_acquire);
    return sum;
  });
}

void FrameAllocator::publish_locks() {
  locks::LockStatistics::publish(lock_);
  for (Cache& cache : caches_) locks::LockStatistics::publish(cache.lock);
}

}  // namespace mm
