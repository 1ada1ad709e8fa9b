// SPDX-License-Identifier: MIT
// Copies between kernel and program. The view moves the bytes; what it cannot reach, the one resolver makes present.
#include "mm/address_space.hpp"

namespace mm {

/// The part of [va, va + bytes), from its beginning, that is reachable.
usize AddressSpace::reachable_part(VirtAddr va, usize bytes) const {
  if (is_reachable(va, bytes)) return bytes;
  return va.value() < limit_ ? limit_ - va.value() : 0;
}

/// Makes the page at `va` present, or says why not. A page that is resolved again and again without the copy getting
/// further (which would be an error of ours) ends as a bad address rather than in a loop.
CopyStatus AddressSpace::resolve_for_copy(VirtAddr va, Access access, VirtAddr& last, u32& repeats) {
  constexpr u32 most_repeats = 8;
  count(VmEvent::copy_faulted);
  repeats = va == last ? repeats + 1 : 0;
  last = va;
  if (repeats > most_repeats) return CopyStatus::bad_address;
  switch (resolve(va, access, Sleep::forbidden)) {
    case Resolution::resolved: return CopyStatus::ok;
    case Resolution::no_memory: count(VmEvent::fault_out_of_memory); return CopyStatus::no_memory;
    case Resolution::needs_page_in: return CopyStatus::needs_page_in;
    case Resolution::refused: break;
  }
  count(VmEvent::fault_refused);
  return CopyStatus::bad_address;
}

/// The copy has stopped after `copied` bytes, at a page to resolve or at the end of what is reachable; or it has not
/// begun, because the end is not. `move(copied, left)` goes on from there for `left` bytes and returns how many of them
/// are missing then.
template <typename Move>
CopyResult AddressSpace::finish_copy(VirtAddr va, usize bytes, usize copied, Access access, const Move& move) {
  const usize allowed = reachable_part(va, bytes);
  VirtAddr last(~u64{0});
  u32 repeats = 0;
  while (copied != allowed) {
    const CopyStatus status = resolve_for_copy(va + copied, access, last, repeats);
    if (status != CopyStatus::ok) return {copied, status};
    copied = allowed - move(copied, allowed - copied);
  }
  return {copied, allowed == bytes ? CopyStatus::ok : CopyStatus::bad_address};
}

[[gnu::noinline]] CopyResult AddressSpace::finish_copy_in(void* to, VirtAddr from, usize bytes, usize copied) {
  return finish_copy(from, bytes, copied, Access::read, [&](usize done, usize left) {
    return View::read(root_, static_cast<std::byte*>(to) + done, from + done, left);
  });
}

[[gnu::noinline]] CopyResult AddressSpace::finish_copy_out(VirtAddr to, const void* from, usize bytes, usize copied) {
  return finish_copy(to, bytes, copied, Access::write, [&](usize done, usize left) {
    return View::write(root_, to + done, static_cast<const std::byte*>(from) + done, left);
  });
}

CopyResult AddressSpace::copy_in_string(char* to, VirtAddr from, usize limit) {
  count(VmEvent::copy_string_call);
  const usize allowed = reachable_part(from, limit);
  VirtAddr last(~u64{0});
  u32 repeats = 0;
  for (usize copied = 0;;) {
    bool ended = false;
    copied += View::read_string(root_, to + copied, from + copied, allowed - copied, ended);
    if (ended) return {copied, CopyStatus::ok};
    if (copied == allowed) return {copied, allowed == limit ? CopyStatus::too_long : CopyStatus::bad_address};
    CopyStatus status = resolve_for_copy(from + copied, Access::read, last, repeats);
    if (status != CopyStatus::ok) return {copied, status};
  }
}

}  // namespace mm
