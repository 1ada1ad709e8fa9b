// SPDX-License-Identifier: MIT
#pragma once
// The order that keeps translations honest: change the entries, fence, and only then let go of the frames.

#include "sv39/concepts.hpp"

namespace sv39 {

/// Collects what an operation did to entries of one address space, and does the fences and the freeing when it is
/// full, when asked, and at the end of its life. Until then the frames belong to the batch.
///
/// Above `page_threshold` changed leaves one fence of the whole address space is cheaper than one per page.
template <Tlb T, FrameSink S>
class TlbBatch {
 public:
  static constexpr unsigned page_threshold = 16;
  static constexpr unsigned frame_capacity = 64;

  TlbBatch(T& tlb, S& sink) : tlb_(tlb), sink_(sink) {}
  ~TlbBatch() { flush(); }
  TlbBatch(const TlbBatch&) = delete;
  TlbBatch& operator=(const TlbBatch&) = delete;

  /// A leaf that translates `va` was written: cleared, weakened, or made valid (hardware may cache invalid entries).
  void changed(VirtAddr va) {
    if (pages_ < page_threshold) page_[pages_] = va.value();
    ++pages_;
  }
  /// `count` leaves from `va` on were written at once.
  void changed(VirtAddr va, u64 count) {
    if (count > page_threshold) {
      pages_ = page_threshold + 1;
      return;
    }
    for (u64 i = 0; i < count; ++i) changed(va + i * page_size);
  }
  /// A leaf became a table or a table a leaf: old and new translations may live side by side until everything is
  /// fenced with rs1 = x0 (privileged manual, SFENCE.VMA).
  void changed_structure() { pages_ = page_threshold + 1; }

  /// The frame (superpage: its first frame) lost its mapping; it is released after the fence.
  void release(Ppn ppn, Level level) {
    if (frames_ == frame_capacity) flush();
    frame_[frames_++] = ppn.value() << level_bits | static_cast<u64>(level);
  }

  void flush() {
    if (pages_ > page_threshold) {
      tlb_.fence_space();
    } else {
      for (unsigned i = 0; i < pages_; ++i) tlb_.fence_page(VirtAddr(page_[i]));
    }
    pages_ = 0;
    for (unsigned i = 0; i < frames_; ++i) {
      sink_.release(Ppn(frame_[i] >> level_bits), static_cast<Level>(frame_[i] % (1U << level_bits)));
    }
    frames_ = 0;
  }

 private:
  static constexpr unsigned level_bits = 2;

  T& tlb_;
  S& sink_;
  unsigned pages_ = 0;
  unsigned frames_ = 0;
  /// Plain words, so that making a batch does not clear a kilobyte. A frame's low bits are its level.
  u64 page_[page_threshold];
  u64 frame_[frame_capacity];
};

}  // namespace sv39
