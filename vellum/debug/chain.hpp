// SPDX-License-Identifier: MIT
#pragma once
// Call chains of RISC-V by frame pointer: kernels are compiled with -fno-omit-frame-pointer for this.
//
//   fp - 8   the address to which the function returns
//   fp - 16  its caller's frame pointer
//
// In a function's first and last instructions, and in one that calls nothing, there is no such frame: s0 is still its
// caller's, and the return address is in ra. The code itself tells.

#include "vellum/debug/elf.hpp"

namespace vellum::debug {

/// What is needed to begin: ra counts only while the function at pc has no frame.
struct Registers {
  u64 pc = 0;
  u64 ra = 0;
  u64 fp = 0;  // s0
};

/// Whether the function that begins at `begin` has set up its frame, and not taken it down again, when `pc` is reached.
[[nodiscard]] bool has_frame(const Elf& elf, u64 begin, u64 pc);

/// Whether the file has code for this address.
[[nodiscard]] bool is_code(const Elf& elf, u64 address);

/// Writes the program counters of the chain to `out`, innermost first: the first is pc itself, the others are return
/// addresses, of which the call stands just before. Returns how many. Ends at the first frame that makes no sense: each
/// frame must lie above the one before, so that no memory contents can make it run in circles.
///
/// `word(address)` gives the 8 bytes at a virtual address as std::optional<u64>; `begin` is where the function at pc
/// begins, where that is known.
template <typename Word>
[[nodiscard]] usize call_chain(const Elf& elf, const Registers& registers, std::optional<u64> begin, Word&& word,
                               std::span<u64> out) {
  if (out.empty()) return 0;
  out[0] = registers.pc;
  usize count = 1;
  if (begin && !has_frame(elf, *begin, registers.pc) && is_code(elf, registers.ra) && count < out.size()) {
    out[count++] = registers.ra;
  }
  for (u64 frame = registers.fp; count < out.size();) {
    if (frame < 16 || frame % 8 != 0) break;
    const std::optional<u64> returns_to = word(frame - 8);
    const std::optional<u64> outer = word(frame - 16);
    if (!returns_to || !outer || !is_code(elf, *returns_to)) break;
    out[count++] = *returns_to;
    if (*outer <= frame) break;
    frame = *outer;
  }
  return count;
}

}  // namespace vellum::debug
