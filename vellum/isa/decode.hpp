// SPDX-License-Identifier: MIT
#pragma once
// From the bytes of an instruction to its operation and operands.

#include <algorithm>

#include "vellum/isa/operations.hpp"

namespace vellum {

/// One instruction with its operands taken apart. What the format does not have is 0.
struct Instruction {
  Operation operation = Operation::illegal;
  u8 length = 4;  // in bytes: 2 or 4
  u8 rd = 0, rs1 = 0, rs2 = 0;
  i32 immediate = 0;  // of a CSR instruction: the CSR's number
};

/// Whether the instruction that begins with this halfword has 16 bits (1.5 of the unprivileged manual).
constexpr bool is_compressed(u32 word) { return (word & 3) != 3; }

namespace decoding {

constexpr i32 immediate_of(Format format, u32 word) {
  switch (format) {
    case Format::i: return static_cast<i32>(sign_extend(word >> 20, 12));
    case Format::shift: return static_cast<i32>(bits(word, 25, 20));
    case Format::s: return static_cast<i32>(sign_extend(bits(word, 31, 25) << 5 | bits(word, 11, 7), 12));
    case Format::b:
      return static_cast<i32>(sign_extend(
          bits(word, 31, 31) << 12 | bits(word, 7, 7) << 11 | bits(word, 30, 25) << 5 | bits(word, 11, 8) << 1, 13));
    case Format::u: return static_cast<i32>(word & 0xfffff000);
    case Format::j:
      return static_cast<i32>(sign_extend(
          bits(word, 31, 31) << 20 | bits(word, 19, 12) << 12 | bits(word, 20, 20) << 11 | bits(word, 30, 21) << 1,
          21));
    case Format::csr: return static_cast<i32>(word >> 20);
    case Format::none:
    case Format::r: return 0;
  }
  return 0;
}

/// Rows of the table sorted by major opcode (bits 6:2), so that a word is compared with few of them.
struct Index {
  std::array<u8, operation_count> rows{};
  std::array<u8, 33> start{};
};
constexpr Index make_index() {
  Index index;
  u8 filled = 0;
  for (u32 opcode = 0; opcode < 32; ++opcode) {
    index.start[opcode] = filled;
    for (u8 row = 1; row < operation_count; ++row) {
      if ((encodings[row].match >> 2 & 31) == opcode) index.rows[filled++] = row;
    }
  }
  index.start[32] = filled;
  return index;
}
inline constexpr Index index_by_opcode = make_index();

}  // namespace decoding

/// Decodes a 32-bit instruction word.
constexpr Instruction decode_word(u32 word) {
  if (is_compressed(word)) return {};
  const u32 opcode = word >> 2 & 31;
  for (u32 i = decoding::index_by_opcode.start[opcode]; i < decoding::index_by_opcode.start[opcode + 1]; ++i) {
    const u8 row = decoding::index_by_opcode.rows[i];
    const Encoding& encoding = encodings[row];
    if ((word & encoding.mask) != encoding.match) continue;
    Instruction result;
    result.operation = static_cast<Operation>(row);
    const Format format = encoding.format;
    const bool has_rd = format != Format::s && format != Format::b && format != Format::none;
    const bool has_rs1 = format != Format::u && format != Format::j && format != Format::none;
    const bool has_rs2 = format == Format::r || format == Format::s || format == Format::b;
    if (has_rd) result.rd = static_cast<u8>(bits(word, 11, 7));
    if (has_rs1) result.rs1 = static_cast<u8>(bits(word, 19, 15));
    if (has_rs2) result.rs2 = static_cast<u8>(bits(word, 24, 20));
    result.immediate = decoding::immediate_of(format, word);
    return result;
  }
  return {};
}

namespace decoding {

constexpr Instruction short_form(Operation operation, u64 rd, u64 rs1, u64 rs2, i64 immediate) {
  return {operation, 2, static_cast<u8>(rd), static_cast<u8>(rs1), static_cast<u8>(rs2), static_cast<i32>(immediate)};
}

// The C extension's quadrants (unprivileged manual, 26.8: tables of the opcode map). An Instruction{} is illegal.

constexpr Instruction quadrant_0(u32 half) {
  const u64 low = bits(half, 4, 2) + 8, high = bits(half, 9, 7) + 8;  // rd' or rs2', rs1'
  const u64 word_offset = bits(half, 5, 5) << 6 | bits(half, 12, 10) << 3 | bits(half, 6, 6) << 2;
  const u64 double_offset = bits(half, 6, 5) << 6 | bits(half, 12, 10) << 3;
  switch (bits(half, 15, 13)) {
    case 0: {
      const u64 offset =
          bits(half, 10, 7) << 6 | bits(half, 12, 11) << 4 | bits(half, 5, 5) << 3 | bits(half, 6, 6) << 2;
      if (offset == 0) return {};
      return short_form(Operation::addi, low, 2, 0, static_cast<i64>(offset));  // c.addi4spn
    }
    case 2: return short_form(Operation::lw, low, high, 0, static_cast<i64>(word_offset));
    case 3: return short_form(Operation::ld, low, high, 0, static_cast<i64>(double_offset));
    case 6: return short_form(Operation::sw, 0, high, low, static_cast<i64>(word_offset));
    case 7: return short_form(Operation::sd, 0, high, low, static_cast<i64>(double_offset));
    default: return {};  // floating point and reserved
  }
}

constexpr Instruction quadrant_1_arithmetic(u32 half) {
  const u64 rd = bits(half, 9, 7) + 8, rs2 = bits(half, 4, 2) + 8;
  const u64 amount = bits(half, 12, 12) << 5 | bits(half, 6, 2);
  switch (bits(half, 11, 10)) {
    case 0: return short_form(Operation::srli, rd, rd, 0, static_cast<i64>(amount));
    case 1: return short_form(Operation::srai, rd, rd, 0, static_cast<i64>(amount));
    case 2: return short_form(Operation::andi, rd, rd, 0, sign_extend(amount, 6));
    default: break;
  }
  constexpr std::array by_code{Operation::sub,  Operation::xor_, Operation::or_,     Operation::and_,
                               Operation::subw, Operation::addw, Operation::illegal, Operation::illegal};
  const Operation operation = by_code[bits(half, 12, 12) << 2 | bits(half, 6, 5)];
  return operation == Operation::illegal ? Instruction{} : short_form(operation, rd, rd, rs2, 0);
}

constexpr Instruction quadrant_1(u32 half) {
  const u64 rd = bits(half, 11, 7);
  const i64 immediate = sign_extend(bits(half, 12, 12) << 5 | bits(half, 6, 2), 6);
  const i64 branch = sign_extend(bits(half, 12, 12) << 8 | bits(half, 6, 5) << 6 | bits(half, 2, 2) << 5 |
                                     bits(half, 11, 10) << 3 | bits(half, 4, 3) << 1,
                                 9);
  switch (bits(half, 15, 13)) {
    case 0: return short_form(Operation::addi, rd, rd, 0, immediate);
    case 1: return rd == 0 ? Instruction{} : short_form(Operation::addiw, rd, rd, 0, immediate);
    case 2: return short_form(Operation::addi, rd, 0, 0, immediate);  // c.li
    case 3: {
      if (immediate == 0) return {};
      if (rd != 2) return short_form(Operation::lui, rd, 0, 0, immediate * 4096);
      const u64 offset = bits(half, 12, 12) << 9 | bits(half, 4, 3) << 7 | bits(half, 5, 5) << 6 |
                         bits(half, 2, 2) << 5 | bits(half, 6, 6) << 4;
      return short_form(Operation::addi, 2, 2, 0, sign_extend(offset, 10));  // c.addi16sp
    }
    case 4: return quadrant_1_arithmetic(half);
    case 5: {
      const u64 offset = bits(half, 12, 12) << 11 | bits(half, 8, 8) << 10 | bits(half, 10, 9) << 8 |
                         bits(half, 6, 6) << 7 | bits(half, 7, 7) << 6 | bits(half, 2, 2) << 5 |
                         bits(half, 11, 11) << 4 | bits(half, 5, 3) << 1;
      return short_form(Operation::jal, 0, 0, 0, sign_extend(offset, 12));
    }
    case 6: return short_form(Operation::beq, 0, bits(half, 9, 7) + 8, 0, branch);
    default: return short_form(Operation::bne, 0, bits(half, 9, 7) + 8, 0, branch);
  }
}

constexpr Instruction quadrant_2(u32 half) {
  const u64 rd = bits(half, 11, 7), rs2 = bits(half, 6, 2);
  switch (bits(half, 15, 13)) {
    case 0: return short_form(Operation::slli, rd, rd, 0, static_cast<i64>(bits(half, 12, 12) << 5 | bits(half, 6, 2)));
    case 2: {
      const u64 offset = bits(half, 3, 2) << 6 | bits(half, 12, 12) << 5 | bits(half, 6, 4) << 2;
      return rd == 0 ? Instruction{} : short_form(Operation::lw, rd, 2, 0, static_cast<i64>(offset));
    }
    case 3: {
      const u64 offset = bits(half, 4, 2) << 6 | bits(half, 12, 12) << 5 | bits(half, 6, 5) << 3;
      return rd == 0 ? Instruction{} : short_form(Operation::ld, rd, 2, 0, static_cast<i64>(offset));
    }
    case 4:
      if (bits(half, 12, 12) == 0) {
        if (rs2 != 0) return short_form(Operation::add, rd, 0, rs2, 0);  // c.mv
        return rd == 0 ? Instruction{} : short_form(Operation::jalr, 0, rd, 0, 0);
      }
      if (rs2 != 0) return short_form(Operation::add, rd, rd, rs2, 0);
      if (rd != 0) return short_form(Operation::jalr, 1, rd, 0, 0);
      return short_form(Operation::ebreak, 0, 0, 0, 0);
    case 6: {
      const u64 offset = bits(half, 8, 7) << 6 | bits(half, 12, 9) << 2;
      return short_form(Operation::sw, 0, 2, rs2, static_cast<i64>(offset));
    }
    case 7: {
      const u64 offset = bits(half, 9, 7) << 6 | bits(half, 12, 10) << 3;
      return short_form(Operation::sd, 0, 2, rs2, static_cast<i64>(offset));
    }
    default: return {};
  }
}

}  // namespace decoding

/// Decodes a 16-bit instruction: the same operations, said more briefly.
constexpr Instruction decode_half(u32 half) {
  Instruction result;
  switch (half & 3) {
    case 0: result = decoding::quadrant_0(half); break;
    case 1: result = decoding::quadrant_1(half); break;
    case 2: result = decoding::quadrant_2(half); break;
    default: break;
  }
  result.length = 2;
  return result;
}

/// Decodes the instruction at the start of these four bytes (only two are looked at when it has 16 bits).
constexpr Instruction decode(u32 word) { return is_compressed(word) ? decode_half(word & 0xffff) : decode_word(word); }

}  // namespace vellum
