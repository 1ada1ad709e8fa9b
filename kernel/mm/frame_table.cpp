// SPDX-License-Identifier: MIT
// The frame table, and the free blocks of 2^0 to 2^9 frames.
#include "lib/bug.hpp"
#include "lib/memory.hpp"
#include "mm/frames.hpp"

namespace mm {

namespace {

constexpr u32 max_order = order_count - 1;

}  // namespace

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

void FrameAllocator::wrong_free(FrameState state) {
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
    // Of the reserved ranges that end above `from` the one that begins first; [end, end) if there is none.
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
  frame.free_block().next = heads_[order];
  frame.free_block().previous = no_frame;
  if (heads_[order] != no_frame) table_[heads_[order]].free_block().previous = number;
  heads_[order] = number;
}

void FrameAllocator::list_remove(u32 number, u32 order) {
  Frame& frame = table_[number];
  const auto [next, previous] = frame.free_block();
  if (previous != no_frame) {
    table_[previous].free_block().next = next;
  } else {
    heads_[order] = next;
  }
  if (next != no_frame) table_[next].free_block().previous = previous;
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

}  // namespace mm
