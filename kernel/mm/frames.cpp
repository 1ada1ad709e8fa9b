// SPDX-License-Identifier: MIT
#include "mm/frames.hpp"

#include "lib/bug.hpp"
#include "lib/memory.hpp"
#include "mm/fail_nth.hpp"
#include "mm/poison.hpp"

namespace mm {

namespace {

constinit FrameAllocator the_frames;
constinit locks::SpinLock compound_locks[8] = {
    {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping},
    {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping},
    {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping},
};

constexpr u32 max_order = order_count - 1;

/// The report of a wrong free names what the frame is.
[[noreturn]] void wrong_free(FrameState state) {
  switch (state) {
    case FrameState::inside: lib::bug("free of a frame inside a larger block");
    case FrameState::reserved: lib::bug("free of a reserved frame");
    case FrameState::free: lib::bug("free of a frame that is free");
    case FrameState::cached: lib::bug("free of a frame that lies in a cache");
    case FrameState::cached_zero: lib::bug("free of a frame that lies in a cache of zeroed frames");
    case FrameState::compound: lib::bug("free of a part of a megapage");
    case FrameState::user:
    case FrameState::file:
    case FrameState::table:
    case FrameState::kernel: lib::bug("free of a frame that is still referenced, or with the wrong order");
    case FrameState::count_: break;
  }
  lib::bug("free of a frame with a damaged record");
}

[[nodiscard]] bool is_used(FrameState state) {
  return state == FrameState::user || state == FrameState::compound || state == FrameState::file ||
         state == FrameState::table || state == FrameState::kernel;
}

}  // namespace

FrameAllocator& frames() { return the_frames; }

const char* describe(FrameState state) {
  switch (state) {
    case FrameState::inside: return "inside a block";
    case FrameState::reserved: return "reserved";
    case FrameState::free: return "free";
    case FrameState::cached: return "cached";
    case FrameState::cached_zero: return "cached, zero";
    case FrameState::user: return "user";
    case FrameState::compound: return "megapage";
    case FrameState::file: return "file page";
    case FrameState::table: return "page table";
    case FrameState::kernel: return "kernel";
    case FrameState::count_: break;
  }
  return "damaged";
}

// Boot.

void FrameAllocator::init(PhysRange ram, std::span<const PhysRange> reserved) {
  ram_ = ram;
  const u64 first = ram.begin().ceil().value();
  const u64 end = ram.end().floor().value();
  // Blocks are aligned by frame number, so that number 0 must be the start of a largest block.
  base_ = first & ~(frames_in(Order::megapage) - 1);
  count_ = end - base_;
  for (u32& head : heads_) head = no_frame;

  auto next_reserved = [&](u64 from, const PhysRange* table) {
    // The reserved range that ends last among those holding `from`, else the one that begins next.
    struct {
      u64 begin, end;
    } best{end, end};
    auto consider = [&](const PhysRange& range) {
      u64 b = range.begin().floor().value(), e = range.end().ceil().value();
      if (range.empty() || e <= from) return;
      if (b < best.begin) best = {b, e};
    };
    for (const PhysRange& range : reserved) consider(range);
    if (table != nullptr) consider(*table);
    if (best.end > end) best.end = end;
    return best;
  };

  const u64 table_pages = (count_ * sizeof(Frame) + sv39::page_size - 1) / sv39::page_size;
  u64 at = first;
  for (auto gap = next_reserved(at, nullptr); gap.begin < at + table_pages; gap = next_reserved(at, nullptr)) {
    if (gap.begin == end) lib::bug("no room in RAM for the frame table");
    at = gap.end;
  }
  const PhysRange table = *PhysRange::from(Ppn(at).address(), table_pages * sv39::page_size);
  table_ = static_cast<Frame*>(frame_bytes(Ppn(at)));
  // Zeroed memory is a table of frames in state `inside`.
  for (u64 i = 0; i < table_pages; ++i) lib::zero_page(reinterpret_cast<std::byte*>(table_) + i * sv39::page_size);

  auto reserve = [&](u64 from, u64 to) {
    for (u64 ppn = from; ppn < to; ++ppn) table_[ppn - base_].state = FrameState::reserved;
  };
  reserve(base_, first);
  for (u64 from = first; from < end;) {
    auto taken = next_reserved(from, &table);
    if (taken.begin > from) give_run(from, taken.begin);
    reserve(taken.begin > from ? taken.begin : from, taken.end);
    from = taken.end;
  }
}

/// Hands [first, end), frames that no list knows, to the buddy lists in the largest aligned blocks.
void FrameAllocator::give_run(u64 first, u64 end) {
  locks::Guard guard(lock_);
  managed_.fetch_add(end - first, std::memory_order_relaxed);
  for (u64 ppn = first; ppn < end;) {
    u32 number = static_cast<u32>(ppn - base_);
    u32 order = max_order;
    while (number % (1U << order) != 0 || ppn + (u64{1} << order) > end) --order;
    give_block(number, order);
    ppn += u64{1} << order;
  }
}

void FrameAllocator::release_reserved(PhysRange range) {
  const u64 first = range.begin().ceil().value();
  const u64 end = range.end().floor().value();
  for (u64 ppn = first; ppn < end; ++ppn) {
    Frame& frame = record(Ppn(ppn));
    if (frame.state != FrameState::reserved) wrong_free(frame.state);
    frame.state = FrameState::inside;
  }
  if (first < end) give_run(first, end);
}

// Buddy lists.

void FrameAllocator::list_push(u32 number, u32 order) {
  Frame& frame = table_[number];
  frame.state = FrameState::free;
  frame.order = static_cast<u8>(order);
  frame.first = heads_[order];
  frame.second = no_frame;
  if (heads_[order] != no_frame) table_[heads_[order]].second = number;
  heads_[order] = number;
}

void FrameAllocator::list_remove(u32 number, u32 order) {
  Frame& frame = table_[number];
  if (frame.second != no_frame) {
    table_[frame.second].first = frame.first;
  } else {
    heads_[order] = frame.first;
  }
  if (frame.first != no_frame) table_[frame.first].second = frame.second;
  frame.state = FrameState::inside;
}

/// A block of exactly this order, split off the smallest that is large enough; no_frame if there is none.
u32 FrameAllocator::take_block(u32 order) {
  u32 found = order;
  while (found <= max_order && heads_[found] == no_frame) ++found;
  if (found > max_order) return no_frame;
  u32 number = heads_[found];
  list_remove(number, found);
  while (found > order) {
    --found;
    list_push(number + (1U << found), found);
  }
  return number;
}

void FrameAllocator::give_block(u32 number, u32 order) {
  for (; order < max_order; ++order) {
    u32 buddy = number ^ (1U << order);
    if (buddy + (u64{1} << order) > count_) break;
    if (table_[buddy].state != FrameState::free || table_[buddy].order != order) break;
    list_remove(buddy, order);
    table_[number].state = FrameState::inside;
    number &= ~(1U << order);
  }
  list_push(number, order);
}

// Caches of single frames.

void FrameAllocator::push(List& list, u32 number, FrameState state) {
  Frame& frame = table_[number];
  frame.state = state;
  frame.first = list.head;
  list.head = number;
  ++list.count;
}

/// The list's first frame; no_frame when it is empty.
inline u32 FrameAllocator::pop(List& list) {
  if (list.count == 0) return no_frame;
  const u32 number = list.head;
  list.head = table_[number].first;
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

u32 FrameAllocator::take_block_locked(u32 order) {
  locks::Guard guard(lock_);
  return take_block(order);
}

// Handing out and taking back.

u64 FrameAllocator::take_single(FrameState use, Zero zero) {
  if (somebody_makes_allocations_fail()) [[unlikely]]
    return take_unless_it_must_fail(use, zero);
  const u32 number = pop_own(caches_[arch::hart_index()], zero);
  if (number == no_frame) [[unlikely]]
    return take_elsewhere(use, zero);
  return hand_out(number, use, zero).value();
}

[[gnu::noinline]] u64 FrameAllocator::take_unless_it_must_fail(FrameState use, Zero zero) {
  return allocation_must_fail() ? no_ppn : take_elsewhere(use, zero);
}

/// The same when the hart's own cache is empty.
[[gnu::noinline]] u64 FrameAllocator::take_elsewhere(FrameState use, Zero zero) {
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
  u32 number = take_block_locked(order);
  if (number == no_frame) {
    // The missing parts may lie in the caches.
    drain_caches();
    number = take_block_locked(order);
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
  frame.state = use == FrameState::user && order == max_order ? FrameState::compound : use;
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
    if (frame.limit != poisoned_mark) continue;
    frame.limit = 0;
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
    table_[number + i].limit = poisoned_mark;
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

// Megapages.

locks::SpinLock& FrameAllocator::compound_lock(Ppn ppn) {
  return compound_locks[ppn.value() / frames_in(Order::megapage) % compound_lock_count];
}

void FrameAllocator::ref_megapage(Ppn ppn) {
  locks::Guard guard(compound_lock(ppn));
  const u64 counted = record(ppn).state == FrameState::compound ? 1 : frames_in(Order::megapage);
  for (u64 i = 0; i < counted; ++i) ref(ppn + i);
}

void FrameAllocator::unref_megapage(Ppn ppn) {
  bool whole;
  {
    // The state must not change between the look and the count: another mapping may be split meanwhile.
    locks::Guard guard(compound_lock(ppn));
    Frame& frame = record(ppn);
    whole = frame.state == FrameState::compound;
    if (whole && frame.refs.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  }
  if (whole) {
    free_last(ppn, max_order);
  } else {
    for (u64 i = 0; i < frames_in(Order::megapage); ++i) unref(ppn + i);
  }
}

bool FrameAllocator::is_sole_megapage_owner(Ppn ppn) {
  locks::Guard guard(compound_lock(ppn));
  const u64 counted = record(ppn).state == FrameState::compound ? 1 : frames_in(Order::megapage);
  for (u64 i = 0; i < counted; ++i) {
    if (refs(ppn + i) != 1) return false;
  }
  return true;
}

void FrameAllocator::convert_compound(Ppn ppn) {
  locks::Guard guard(compound_lock(ppn));
  Frame& head = record(ppn);
  if (head.state != FrameState::compound) return;
  const u32 mappings = refs(ppn);
  for (u64 i = 0; i < frames_in(Order::megapage); ++i) {
    Frame& frame = record(ppn + i);
    frame.order = 0;
    frame.limit = 0;
    frame.refs.store(mappings, std::memory_order_relaxed);
    frame.state = FrameState::user;
  }
  count(VmEvent::compound_converted);
}

/// Two sums over all harts, read one after the other while both grow. Allocations first: then neither what is allocated
/// nor what is freed in between makes the answer smaller than what was free in the moment between the two, and that
/// is all that has_too_few() needs. The other way round a slow reader could find nothing free in an idle machine.
u64 FrameAllocator::free_count() const {
  const u64 allocated = total(VmEvent::frame_allocated);
  std::atomic_thread_fence(std::memory_order_acquire);
  const u64 freed = total(VmEvent::frame_freed);
  const u64 managed = managed_count();
  return freed < allocated ? managed - (allocated - freed) : managed;
}

void FrameAllocator::publish_locks() {
  locks::LockStatistics::publish(lock_);
  for (Cache& cache : caches_) locks::LockStatistics::publish(cache.lock);
}

// Reservations.

bool FrameReservation::add_one(FrameState use, Zero zero) {
  auto frame = frames().allocate(use, zero);
  if (!frame) return false;
  if (zero == Zero::no) all_zero_ = false;
  const u32 number = frames().number_of(*frame);
  frames().record(*frame).second = no_frame;
  if (head_ == no_frame) {
    head_ = number;
  } else {
    frames().record(frames().ppn_of(tail_)).second = number;
  }
  tail_ = number;
  ++left_;
  return true;
}

lib::Result<void> FrameReservation::add(u64 count, FrameState use, Zero zero) {
  for (u64 i = 0; i < count; ++i) {
    if (add_one(use, zero)) continue;
    release();
    return lib::fail(lib::Error::no_memory);
  }
  return {};
}

Ppn FrameReservation::take() {
  if (head_ == no_frame) lib::bug("an operation takes more frames than it reserved");
  Ppn ppn = frames().ppn_of(head_);
  head_ = frames().record(ppn).second;
  --left_;
  return ppn;
}

void FrameReservation::release() {
  while (left_ != 0) {
    Ppn ppn = take();
    if (all_zero_) {
      frames().free_zeroed(ppn);
    } else {
      frames().free(ppn);
    }
  }
  all_zero_ = true;
}

}  // namespace mm
