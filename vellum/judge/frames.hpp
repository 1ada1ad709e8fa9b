// SPDX-License-Identifier: MIT
#pragma once
// The judge of frames: what a kernel may do with a frame between its freeing and its next allocation is nothing.
//
// It knows of the kernel no more than where two functions stand: one that is given a frame's address (xv6: kfree) and
// one that returns it (kalloc). While a frame is free, only code of these two may touch it, or a function that they
// call and that calls nothing itself (memset), which has its return address in ra.

#include <span>

#include "vellum/isa/privileged.hpp"
#include "vellum/judge/moment.hpp"

namespace vellum {

/// Where the code of one function stands.
struct CodeRange {
  u64 begin = 0, end = 0;
  [[nodiscard]] constexpr bool contains(u64 pc) const { return pc - begin < end - begin; }
};

/// A kernel's allocator of frames; all zero: none is known.
struct FrameAllocator {
  CodeRange allocate;  // returns the address of a frame
  CodeRange release;   // is given one
};

enum class FrameState : u8 { unknown, in_use, free };

struct FrameRecord {
  FrameState state = FrameState::unknown;
  Moment freed{};
  CallChain callers{};  // of the call that freed it
};

/// The frames of RAM and whether the kernel has given them back.
class Frames {
 public:
  /// `records`: one for each page of RAM; none: nothing is judged.
  explicit Frames(std::span<FrameRecord> records) : records_(records) {}

  void know(const FrameAllocator& allocator) { allocator_ = allocator; }
  [[nodiscard]] const FrameAllocator& allocator() const { return allocator_; }

  /// The record of a page of RAM (Memory's number); null where there is none.
  [[nodiscard]] FrameRecord* at(u64 page) { return page < records_.size() ? &records_[page] : nullptr; }

  /// Whether code at pc, which returns to `return_address`, is the allocator at work.
  [[nodiscard]] bool is_allocator(Privilege privilege, u64 pc, u64 return_address) const {
    if (privilege == Privilege::user) return false;
    const auto within = [this](u64 at) { return allocator_.allocate.contains(at) || allocator_.release.contains(at); };
    return within(pc) || within(return_address);
  }

 private:
  std::span<FrameRecord> records_;
  FrameAllocator allocator_{};
};

}  // namespace vellum
