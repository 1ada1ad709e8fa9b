// SPDX-License-Identifier: MIT
#pragma once
// The invariant checker: walks every table and every frame record and says what does not fit (call check, boot option).

#include "mm/look.hpp"

namespace mm {

/// Gives the address spaces one after the other: null at the end.
struct SpaceIterator {
  AddressSpace* (*next)(void* context);
  void* context;
};

/// Checks, while nothing else runs (threads may sleep in the middle of their work):
///   1  each frame's reference count equals its mappings
///   2  free and mapped are disjoint
///   3  no writable and executable leaf where the region does not allow both
///   4  no U in the kernel half; no leaf in the user half that no region or fixed page explains
///   5  mirror equals the user table minus U and X; kernel tables share the global entries
///   6  no leaf under a leaf, superpages aligned, reserved bits zero
///   7  totals add up: free + used + reserved frames are all frames
/// Prints each violation and returns their number. Uses memory of its own: one u16 per frame, allocated for the
/// check; out of memory counts as "could not check" and gives no_memory.
[[nodiscard]] lib::Result<u64> check_invariants(SpaceIterator spaces, TextSink report);

}  // namespace mm
