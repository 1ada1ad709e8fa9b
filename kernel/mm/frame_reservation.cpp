// SPDX-License-Identifier: MIT
#include "mm/frame_reservation.hpp"

#include "lib/bug.hpp"

namespace mm {

namespace {

/// The link of a frame that is set aside.
u32& next_of(Ppn ppn) { return frames().record(ppn).set_aside().next; }

}  // namespace

bool FrameReservation::add_one(FrameState use, Zero zero) {
  auto frame = frames().allocate(use, zero);
  if (!frame) return false;
  if (zero == Zero::no) all_zero_ = false;
  const u32 number = frames().number_of(*frame);
  next_of(*frame) = no_frame;
  if (head_ == no_frame) {
    head_ = number;
  } else {
    next_of(frames().ppn_of(tail_)) = number;
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
  const Ppn ppn = frames().ppn_of(head_);
  head_ = next_of(ppn);
  --left_;
  return ppn;
}

void FrameReservation::release() {
  while (left_ != 0) {
    const Ppn ppn = take();
    if (all_zero_) {
      frames().free_zeroed(ppn);
    } else {
      frames().free(ppn);
    }
  }
  all_zero_ = true;
}

MegapageReservation::~MegapageReservation() {
  while (left_ != 0) frames().free(take(), Order::megapage);
}

bool MegapageReservation::add() {
  auto block = frames().allocate(FrameState::user, Zero::yes, Order::megapage);
  if (!block) return false;
  next_of(*block) = head_;
  head_ = frames().number_of(*block);
  ++left_;
  return true;
}

Ppn MegapageReservation::take() {
  const Ppn ppn = frames().ppn_of(head_);
  head_ = next_of(ppn);
  --left_;
  return ppn;
}

}  // namespace mm
