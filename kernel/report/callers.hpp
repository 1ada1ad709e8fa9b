// SPDX-License-Identifier: MIT
#pragma once
// Who called whom, from the frame pointers that a compiler leaves on the stack (-fno-omit-frame-pointer): the pointer
// stands above a saved pair, the return address 8 bytes below it and the caller's frame pointer 16 bytes below.

#include <optional>

#include "lib/types.hpp"

namespace report {

/// The saved pair, in the order of its addresses.
struct SavedFrame {
  u64 frame_pointer;
  u64 return_address;
};

/// The return addresses of one stack, the innermost first. `Read` gives the pair at an address, or nothing where none
/// may be read; what it gives is not believed: the way leads to older frames only, so it ends.
template <typename Read>
class Callers {
 public:
  /// From this frame pointer on; nothing below `lowest` is a frame.
  Callers(Read read, u64 frame_pointer, u64 lowest) : read_(read), pointer_(frame_pointer), lowest_(lowest) {}

  /// The next return address, 0 at the end.
  u64 next() {
    if (pointer_ % 8 != 0 || pointer_ < lowest_ || pointer_ < sizeof(SavedFrame)) return 0;
    const std::optional<SavedFrame> saved = read_(pointer_ - sizeof(SavedFrame));
    if (!saved) return 0;
    lowest_ = pointer_ + 8;
    pointer_ = saved->frame_pointer;
    return last_ = saved->return_address;
  }

  /// What next() gave was no code: a function that calls nothing saves its caller's frame pointer alone, where others
  /// save their return address. The way goes on from that pointer.
  void leave_leaf() { pointer_ = last_; }

 private:
  Read read_;
  u64 pointer_;
  u64 lowest_;
  u64 last_ = 0;
};

/// Gives `tell(address, times)` each return address from `first` on, a recursion once with its depth, until `tell`
/// says no or the stack ends. Returns the address that was not told, 0 at the stack's end.
template <typename Read, typename Tell>
u64 tell_callers(Callers<Read>& callers, u64 first, Tell tell) {
  constexpr u32 most_frames = 1024;
  u64 address = first;
  for (u32 left = most_frames; address != 0 && left > 0;) {
    const u64 same = address;
    u32 times = 0;
    for (; address == same && left > 0; ++times, --left) address = callers.next();
    if (!tell(same, times)) return same;
  }
  return address;
}

}  // namespace report
