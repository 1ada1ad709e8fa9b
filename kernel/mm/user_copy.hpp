// SPDX-License-Identifier: MIT
#pragma once
// The short way of copies between kernel and program.
//
// Only regions count, never USYSCALL, TRAPFRAME, TRAMPOLINE or a guard; anonymous pages are made present on the way. A
// copy ends with bad_address where the next byte is not the program's, or not with this right, with no_memory where it
// is but no frame was left, and with needs_page_in where its page must first come from a file.

#include "lib/copy.hpp"
#include "mm/view.hpp"

namespace mm {

class AddressSpace;

/// Whether all of [va, va + bytes) lies where a space with this limit may have memory at all. Above are only USYSCALL,
/// TRAPFRAME and TRAMPOLINE, which no copy may touch; below, the table itself permits nothing but what regions permit.
[[nodiscard]] constexpr bool is_reachable(u64 limit, VirtAddr va, usize bytes) {
  return va.value() <= limit && bytes <= limit - va.value();
}

/// The long way, from where the short one has stopped: `copied` bytes are done.
[[nodiscard]] lib::CopyResult finish_copy_in(AddressSpace& space, void* to, VirtAddr from, usize bytes, usize copied);
[[nodiscard]] lib::CopyResult finish_copy_out(AddressSpace& space, VirtAddr to, const void* from, usize bytes,
                                              usize copied);

// Nearly every copy lies where programs may have memory and finds its pages present: then one call of the view is all
// there is to do. What is not so simple goes on in a function of its own, so that the short way saves few registers and
// can be part of its caller (which took a third off the cost of a small copy).

/// The short way of AddressSpace::copy_in for a space with this table and limit. Returns how many bytes are missing at
/// the end; finish_copy_in goes on from there.
[[nodiscard]] inline usize short_copy_in(Ppn root, u64 limit, void* to, VirtAddr from, usize bytes) {
  count(VmEvent::copy_in_call);
  if (!is_reachable(limit, from, bytes)) [[unlikely]]
    return bytes;
  return View::read(root, to, from, bytes);
}

/// AddressSpace::copy_out likewise.
[[nodiscard]] inline usize short_copy_out(Ppn root, u64 limit, VirtAddr to, const void* from, usize bytes) {
  count(VmEvent::copy_out_call);
  if (!is_reachable(limit, to, bytes)) [[unlikely]]
    return bytes;
  return View::write(root, to, from, bytes);
}

}  // namespace mm
