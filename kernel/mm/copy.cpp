// SPDX-License-Identifier: MIT
// Copies between kernel and program. The view moves the bytes; what it cannot reach, the one resolver makes present.
#include "mm/faults.hpp"

namespace mm {

namespace {

/// The part of [va, va + bytes), from its beginning, that is reachable.
usize reachable_part(const AddressSpace& space, VirtAddr va, usize bytes) {
  if (is_reachable(space.limit(), va, bytes)) return bytes;
  return va.value() < space.limit() ? space.limit() - va.value() : 0;
}

/// Makes the page at `va` present, or says why not. A page that is resolved again and again without the copy getting
/// further (which would be an error of ours) ends as a bad address rather than in a loop.
lib::Status resolve_for_copy(AddressSpace& space, VirtAddr va, Access access, VirtAddr& last, u32& repeats) {
  constexpr u32 most_repeats = 8;
  count(VmEvent::copy_faulted);
  repeats = va == last ? repeats + 1 : 0;
  last = va;
  if (repeats > most_repeats) return lib::fail(lib::Error::bad_address);
  const lib::Status resolved = Faults::resolve(space, va, access, Sleep::forbidden);
  if (!resolved && resolved.error() == lib::Error::no_memory) count(VmEvent::fault_out_of_memory);
  if (!resolved && resolved.error() == lib::Error::bad_address) count(VmEvent::fault_refused);
  return resolved;
}

/// The copy has stopped after `copied` bytes, at a page to resolve or at the end of what is reachable; or it has not
/// begun, because the end is not. `move(copied, left)` goes on from there for `left` bytes and returns how many of them
/// are missing then.
template <typename Move>
CopyResult finish_copy(AddressSpace& space, VirtAddr va, usize bytes, usize copied, Access access, const Move& move) {
  const usize allowed = reachable_part(space, va, bytes);
  VirtAddr last(~u64{0});
  u32 repeats = 0;
  while (copied != allowed) {
    const lib::Status resolved = resolve_for_copy(space, va + copied, access, last, repeats);
    if (!resolved) return {copied, resolved};
    copied = allowed - move(copied, allowed - copied);
  }
  if (allowed != bytes) return {copied, lib::fail(lib::Error::bad_address)};
  return {copied, {}};
}

}  // namespace

[[gnu::noinline]] CopyResult finish_copy_in(AddressSpace& space, void* to, VirtAddr from, usize bytes, usize copied) {
  return finish_copy(space, from, bytes, copied, Access::read, [&](usize done, usize left) {
    return View::read(space.root(), static_cast<std::byte*>(to) + done, from + done, left);
  });
}

[[gnu::noinline]] CopyResult finish_copy_out(AddressSpace& space, VirtAddr to, const void* from, usize bytes,
                                             usize copied) {
  return finish_copy(space, to, bytes, copied, Access::write, [&](usize done, usize left) {
    return View::write(space.root(), to + done, static_cast<const std::byte*>(from) + done, left);
  });
}

CopyResult AddressSpace::copy_in_string(char* to, VirtAddr from, usize limit) {
  count(VmEvent::copy_string_call);
  const usize allowed = reachable_part(*this, from, limit);
  VirtAddr last(~u64{0});
  u32 repeats = 0;
  for (usize copied = 0;;) {
    bool ended = false;
    copied += View::read_string(root_, to + copied, from + copied, allowed - copied, ended);
    if (ended) return {copied, {}};
    if (copied == allowed) {
      return {copied, lib::fail(allowed == limit ? lib::Error::too_big : lib::Error::bad_address)};
    }
    const lib::Status resolved = resolve_for_copy(*this, from + copied, Access::read, last, repeats);
    if (!resolved) return {copied, resolved};
  }
}

}  // namespace mm
