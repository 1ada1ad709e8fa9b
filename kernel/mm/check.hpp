// SPDX-License-Identifier: MIT
#pragma once
// The invariant checker: walks every table and every frame record and says what does not fit (call check, boot option).

#include "mm/address_space.hpp"

namespace mm {

/// Gives the address spaces one after the other: null at the end.
struct SpaceIterator {
  AddressSpace* (*next)(void* context);
  void* context;
};

/// What else holds references to frames. `references(context, visit)` calls visit(visit_context, ppn) once for each
/// reference that a kernel object outside mm holds on a frame in state `user`. (A frame in state `file` has one
/// reference of the file system's by definition; frames in state `kernel` belong to whom they belong.)
struct FrameOwners {
  void (*references)(void* context, void (*visit)(void* visit_context, Ppn ppn), void* visit_context);
  void* context;
};

/// Checks, while nothing else runs (threads may sleep in the middle of their work):
///   1  each frame's reference count equals its mappings and owners
///   2  free and mapped are disjoint
///   3  no writable and executable leaf where the region does not allow both
///   4  no U in the kernel half; no leaf in the user half that no region or fixed page explains
///   5  mirror equals the user table minus U and X; kernel tables share the global entries
///   6  no leaf under a leaf, superpages aligned, reserved bits zero
///   7  totals add up: free + used + reserved frames are all frames
/// Prints each violation and returns their number. Uses memory of its own: one u16 per frame, allocated for the
/// check; out of memory counts as "could not check" and gives no_memory.
[[nodiscard]] lib::Result<u64> check_invariants(SpaceIterator spaces, FrameOwners owners, TextSink report);

}  // namespace mm
