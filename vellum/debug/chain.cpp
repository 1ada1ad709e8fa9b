// SPDX-License-Identifier: MIT
#include "vellum/debug/chain.hpp"

namespace vellum::debug {
namespace {

// The instructions that make and remove a frame, and those after which other code follows than what runs next.
bool sets_frame(u32 code) { return (code & 0x000f'ffff) == 0x0001'0413; }              // addi s0, sp, N
bool loads_frame(u32 code) { return (code & 0x000f'ffff) == 0x0001'3403; }             // ld s0, N(sp)
bool leaves(u32 code) { return (code & 0xfff) == 0x067 || (code & 0xfff) == 0x06f; }   // jalr zero; jal zero
bool sets_frame(u16 code) { return (code & 0xe01f) == 0x0000 && (code & 0x1fe0) != 0; }  // c.addi4spn s0, sp, N
bool loads_frame(u16 code) { return (code & 0xef83) == 0x6402; }                       // c.ldsp s0, N(sp)
bool leaves(u16 code) { return (code & 0xf07f) == 0x8002 || (code & 0xe003) == 0xa001; }  // c.jr; c.j

}  // namespace

bool has_frame(const Elf& elf, u64 begin, u64 pc) {
  // Functions of real kernels are shorter than this.
  constexpr u64 most_bytes = u64{1} << 16;
  if (pc < begin || pc - begin > most_bytes) return true;
  Reader in(elf.loaded(begin, pc - begin), {});
  bool is_set = false;
  bool is_restored = false;
  const auto note = [&](auto code) {
    is_set = is_set || sets_frame(code);
    if (loads_frame(code)) is_restored = true;
    // Behind a return the code goes on with whatever jumps there: with the frame, which others still need.
    if (leaves(code)) is_restored = false;
  };
  while (in.left() >= 2) {
    const u16 low = in.half();
    if ((low & 3) != 3) {
      note(low);
    } else {
      const u16 high = in.half();
      if (!in.ok()) break;
      note(static_cast<u32>(u32{high} << 16 | low));
    }
  }
  return is_set && !is_restored;
}

bool is_code(const Elf& elf, u64 address) {
  for (usize i = 0; i < elf.section_count(); ++i) {
    const auto section = elf.section(i);
    if (section && section->is_loaded() && section->is_code() && address >= section->address &&
        address - section->address < section->size) {
      return true;
    }
  }
  return false;
}

}  // namespace vellum::debug
