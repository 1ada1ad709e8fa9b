// SPDX-License-Identifier: MIT
#pragma once
// Frames that an operation has set aside before it begins to change anything; what is not taken goes back.

#include "mm/frames.hpp"

namespace mm {

/// Single frames.
class FrameReservation {
 public:
  FrameReservation() = default;
  FrameReservation(const FrameReservation&) = delete;
  FrameReservation& operator=(const FrameReservation&) = delete;
  ~FrameReservation() {
    if (left_ != 0) release();
  }

  /// Sets aside `count` more. On failure the reservation is empty, what it held before included.
  [[nodiscard]] lib::Result<void> add(u64 count, FrameState use, Zero zero);
  /// One more; on failure the reservation is as before.
  [[nodiscard]] bool add_one(FrameState use, Zero zero);
  /// One of them. There must be one left.
  [[nodiscard]] Ppn take();
  [[nodiscard]] u64 left() const { return left_; }
  void release();
  /// Calls visit(ppn) for each frame that is left.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (u32 number = head_; number != no_frame; number = frames().record(frames().ppn_of(number)).set_aside().next) {
      visit(frames().ppn_of(number));
    }
  }

 private:
  u32 head_ = no_frame;
  u32 tail_ = no_frame;
  u64 left_ = 0;
  bool all_zero_ = true;
};

/// 2 MiB blocks, zeroed, for programs.
class MegapageReservation {
 public:
  MegapageReservation() = default;
  MegapageReservation(const MegapageReservation&) = delete;
  MegapageReservation& operator=(const MegapageReservation&) = delete;
  ~MegapageReservation();
  /// One more; false if no block is free.
  [[nodiscard]] bool add();
  /// One of them. There must be one left.
  [[nodiscard]] Ppn take();
  [[nodiscard]] u64 left() const { return left_; }

 private:
  u32 head_ = no_frame;
  u64 left_ = 0;
};

}  // namespace mm
