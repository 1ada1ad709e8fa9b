// SPDX-License-Identifier: MIT
#pragma once
// Instructions are decoded once, page by page, and kept until someone stores into the page.

#include <span>

#include "vellum/isa/decode.hpp"
#include "vellum/machine/memory.hpp"

namespace vellum {

/// A decoded instruction as it is executed: which piece of the interpreter, and its operands. There is one for each
/// halfword of a page, so that any address can be jumped to.
struct Op {
  u8 code;
  u8 rd;  // zero_sink when it is x0
  u8 rs1;
  u8 rs2;
  i32 immediate;
};
static_assert(sizeof(Op) == 8);

/// Where writes to x0 go.
constexpr u8 zero_sink = 32;

/// Numbers of the interpreter's pieces: each operation in its long and short form; branches whose target lies in the
/// same page; and what is no instruction.
namespace code {
constexpr u32 short_forms = operation_count;
constexpr u32 near_long = 2 * operation_count, near_count = 7, near_short = near_long + near_count;
constexpr u32 undecoded = near_short + near_count;
constexpr u32 page_end = undecoded + 1;   // behind the last halfword of a page
constexpr u32 crossing = undecoded + 2;   // a long instruction in the last halfword
constexpr u32 refetch = undecoded + 3;    // go on at the hart's pc
constexpr u32 stop = undecoded + 4;       // leave the interpreter
constexpr u32 stumble = undecoded + 5;    // as refetch, but counted: the instruction there could not be fetched
constexpr u32 breakpoint = undecoded + 6; // someone may want to stop here
constexpr u32 count = undecoded + 7;
static_assert(count <= 256);

constexpr u32 near_index(Operation operation) {
  return operation == Operation::jal ? 0 : static_cast<u32>(operation) - static_cast<u32>(Operation::beq) + 1;
}
constexpr u8 of(const Instruction& instruction, bool is_near) {
  const bool is_short = instruction.length == 2;
  if (is_near) return static_cast<u8>((is_short ? near_short : near_long) + near_index(instruction.operation));
  return static_cast<u8>((is_short ? short_forms : 0) + static_cast<u32>(instruction.operation));
}
}  // namespace code

/// Packs an instruction for execution; `offset` is its place in the page, or not_in_page.
constexpr u64 not_in_page = ~u64{0};
constexpr Op pack(const Instruction& instruction, u64 offset) {
  const Operation operation = instruction.operation;
  const bool is_direct = is_branch(operation) || operation == Operation::jal;
  const bool is_near =
      is_direct && offset != not_in_page && offset + static_cast<u64>(instruction.immediate) < page_bytes;
  return {code::of(instruction, is_near), instruction.rd == 0 ? zero_sink : instruction.rd, instruction.rs1,
          instruction.rs2, instruction.immediate};
}

struct DecodedPage {
  static constexpr usize slots = page_bytes / 2;
  Op ops[slots + 1];
  u64 page;        // of Memory
  bool is_in_use;

  void clear_slot(usize slot) { ops[slot].code = code::undecoded; }
  void clear() {
    for (usize slot = 0; slot < slots; ++slot) clear_slot(slot);
    ops[slots].code = code::page_end;
  }
};

/// The decoded pages; the oldest is thrown away when one more is wanted.
class CodeCache {
 public:
  explicit CodeCache(std::span<DecodedPage> pages) : pages_(pages) {
    for (DecodedPage& page : pages_) page.is_in_use = false;
  }
  [[nodiscard]] DecodedPage& at(u32 index) { return pages_[index]; }
  /// The place for the next page; if it is in use, its content has to be dropped first.
  [[nodiscard]] u32 next() {
    const u32 index = next_;
    next_ = (next_ + 1) % static_cast<u32>(pages_.size());
    return index;
  }
  [[nodiscard]] std::span<DecodedPage> all() { return pages_; }

 private:
  std::span<DecodedPage> pages_;
  u32 next_ = 0;
};

}  // namespace vellum
