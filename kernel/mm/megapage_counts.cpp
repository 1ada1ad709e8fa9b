// SPDX-License-Identifier: MIT
// Counting the mappings of 2 MiB blocks: one count for a whole block until one of its mappings is split.
#include "mm/frames.hpp"

namespace mm {

namespace {

constexpr u32 lock_count = 8;
constinit locks::SpinLock compound_locks[lock_count] = {
    {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping},
    {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping},
    {"compound", locks::Rank::mapping}, {"compound", locks::Rank::mapping},
};

locks::SpinLock& compound_lock(Ppn ppn) {
  return compound_locks[ppn.value() / frames_in(Order::megapage) % lock_count];
}

}  // namespace

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
    free_last(ppn, static_cast<u32>(Order::megapage));
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
    frame.refs.store(mappings, std::memory_order_relaxed);
    frame.state = FrameState::user;
  }
  count(VmEvent::compound_converted);
}

}  // namespace mm
