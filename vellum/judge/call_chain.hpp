// SPDX-License-Identifier: MIT
#pragma once
// Who called: the return addresses of what a hart does, by the frame-pointer convention of GCC and clang: the return
// address lies at fp - 8, the caller's fp at fp - 16.

#include "vellum/judge/moment.hpp"
#include "vellum/machine/machine.hpp"

namespace vellum {

template <class O>
[[nodiscard]] CallChain call_chain(const Machine<O>& machine, const Hart& hart) {
  constexpr u32 frame_pointer = 8, return_address = 1;
  CallChain chain{};
  usize length = 0;
  const auto add = [&](u64 pc) {
    // A function that calls none keeps its return address in ra, another has it on the stack, or in both.
    if (length == 0 || chain[length - 1] != pc) chain[length++] = pc;
  };
  add(hart.x[return_address]);
  for (u64 fp = hart.x[frame_pointer]; length < chain.size();) {
    const auto place = fp % 8 == 0 ? machine.look_up(hart.id, fp - 16, AccessKind::load) : std::nullopt;
    u64 frame[2];  // the caller's frame pointer, the return address
    if (!place || !machine.read_physical(place->physical_address, {reinterpret_cast<u8*>(frame), sizeof frame})) break;
    if (frame[1] == 0) break;
    add(frame[1]);
    if (frame[0] <= fp) break;
    fp = frame[0];
  }
  return chain;
}

}  // namespace vellum
