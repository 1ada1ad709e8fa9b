// SPDX-License-Identifier: MIT
#pragma once
// What each instruction computes, said once, over plain values.

#include "vellum/isa/operations.hpp"

namespace vellum {

namespace meaning {

constexpr u64 word(u64 value) { return static_cast<u64>(static_cast<i64>(static_cast<i32>(value))); }
constexpr i64 as_signed(u64 value) { return static_cast<i64>(value); }

constexpr u64 high_product(i64 a, i64 b) { return static_cast<u64>(static_cast<__int128>(a) * b >> 64); }
constexpr u64 high_product_mixed(i64 a, u64 b) {
  return static_cast<u64>(static_cast<__int128>(a) * static_cast<__int128>(b) >> 64);
}
constexpr u64 high_product_unsigned(u64 a, u64 b) {
  return static_cast<u64>(static_cast<unsigned __int128>(a) * b >> 64);
}

// Division never traps (13.2): by zero gives all ones and the dividend, overflow gives the dividend and zero.
template <class Signed>
constexpr Signed quotient(Signed a, Signed b) {
  if (b == 0) return -1;
  return b == -1 ? static_cast<Signed>(0 - static_cast<u64>(a)) : static_cast<Signed>(a / b);
}
template <class Signed>
constexpr Signed remainder(Signed a, Signed b) {
  if (b == 0) return a;
  return b == -1 ? Signed{0} : static_cast<Signed>(a % b);
}
template <class Unsigned>
constexpr Unsigned unsigned_quotient(Unsigned a, Unsigned b) {
  return b == 0 ? static_cast<Unsigned>(~Unsigned{0}) : static_cast<Unsigned>(a / b);
}
template <class Unsigned>
constexpr Unsigned unsigned_remainder(Unsigned a, Unsigned b) {
  return b == 0 ? a : static_cast<Unsigned>(a % b);
}

}  // namespace meaning

/// The result of an arithmetic instruction; b is rs2's value or the immediate.
[[gnu::always_inline]] constexpr u64 compute(Operation operation, u64 a, u64 b) {
  using namespace meaning;
  const auto a_word = static_cast<i32>(a), b_word = static_cast<i32>(b);
  switch (operation) {
    case Operation::add:
    case Operation::addi: return a + b;
    case Operation::sub: return a - b;
    case Operation::sll:
    case Operation::slli: return a << (b & 63);
    case Operation::slt:
    case Operation::slti: return as_signed(a) < as_signed(b) ? 1 : 0;
    case Operation::sltu:
    case Operation::sltiu: return a < b ? 1 : 0;
    case Operation::xor_:
    case Operation::xori: return a ^ b;
    case Operation::srl:
    case Operation::srli: return a >> (b & 63);
    case Operation::sra:
    case Operation::srai: return static_cast<u64>(as_signed(a) >> (b & 63));
    case Operation::or_:
    case Operation::ori: return a | b;
    case Operation::and_:
    case Operation::andi: return a & b;
    case Operation::addw:
    case Operation::addiw: return word(a + b);
    case Operation::subw: return word(a - b);
    case Operation::sllw:
    case Operation::slliw: return word(a << (b & 31));
    case Operation::srlw:
    case Operation::srliw: return word(static_cast<u32>(a) >> (b & 31));
    case Operation::sraw:
    case Operation::sraiw: return word(static_cast<u64>(static_cast<i64>(a_word >> (b & 31))));
    case Operation::mul: return a * b;
    case Operation::mulh: return high_product(as_signed(a), as_signed(b));
    case Operation::mulhsu: return high_product_mixed(as_signed(a), b);
    case Operation::mulhu: return high_product_unsigned(a, b);
    case Operation::div: return static_cast<u64>(quotient(as_signed(a), as_signed(b)));
    case Operation::divu: return unsigned_quotient(a, b);
    case Operation::rem: return static_cast<u64>(remainder(as_signed(a), as_signed(b)));
    case Operation::remu: return unsigned_remainder(a, b);
    case Operation::mulw: return word(a * b);
    case Operation::divw: return word(static_cast<u64>(static_cast<i64>(quotient(a_word, b_word))));
    case Operation::divuw: return word(unsigned_quotient(static_cast<u32>(a), static_cast<u32>(b)));
    case Operation::remw: return word(static_cast<u64>(static_cast<i64>(remainder(a_word, b_word))));
    case Operation::remuw: return word(unsigned_remainder(static_cast<u32>(a), static_cast<u32>(b)));
    default: return 0;
  }
}

/// Whether a branch is taken.
[[gnu::always_inline]] constexpr bool is_taken(Operation operation, u64 a, u64 b) {
  using meaning::as_signed;
  switch (operation) {
    case Operation::beq: return a == b;
    case Operation::bne: return a != b;
    case Operation::blt: return as_signed(a) < as_signed(b);
    case Operation::bge: return as_signed(a) >= as_signed(b);
    case Operation::bltu: return a < b;
    default: return a >= b;
  }
}

/// Bytes that a load, store or atomic instruction touches.
constexpr unsigned access_bytes(Operation operation) {
  switch (operation) {
    case Operation::lb:
    case Operation::lbu:
    case Operation::sb: return 1;
    case Operation::lh:
    case Operation::lhu:
    case Operation::sh: return 2;
    case Operation::ld:
    case Operation::sd: return 8;
    default: return is_between(operation, Operation::lr_d, Operation::amomaxu_d) ? 8 : 4;
  }
}

/// What a load leaves in rd for the bytes it read (zero-extended in `raw`).
[[gnu::always_inline]] constexpr u64 loaded(Operation operation, u64 raw) {
  switch (operation) {
    case Operation::lb: return static_cast<u64>(sign_extend(raw, 8));
    case Operation::lh: return static_cast<u64>(sign_extend(raw, 16));
    case Operation::lw:
    case Operation::lr_w: return meaning::word(raw);
    default: return raw;
  }
}

/// What an AMO writes, from the old value in memory and rs2's. Those of words get and give sign-extended words.
[[gnu::always_inline]] constexpr u64 combined(Operation operation, u64 old, u64 operand) {
  using meaning::as_signed;
  const bool is_word = operation < Operation::lr_d;
  const u64 unsigned_old = is_word ? static_cast<u32>(old) : old;
  const u64 unsigned_operand = is_word ? static_cast<u32>(operand) : operand;
  if (is_word) operand = meaning::word(operand);
  switch (operation) {
    case Operation::amoswap_w:
    case Operation::amoswap_d: return operand;
    case Operation::amoadd_w:
    case Operation::amoadd_d: return old + operand;
    case Operation::amoxor_w:
    case Operation::amoxor_d: return old ^ operand;
    case Operation::amoand_w:
    case Operation::amoand_d: return old & operand;
    case Operation::amoor_w:
    case Operation::amoor_d: return old | operand;
    case Operation::amomin_w:
    case Operation::amomin_d: return as_signed(old) < as_signed(operand) ? old : operand;
    case Operation::amomax_w:
    case Operation::amomax_d: return as_signed(old) > as_signed(operand) ? old : operand;
    case Operation::amominu_w:
    case Operation::amominu_d: return unsigned_old < unsigned_operand ? old : operand;
    default: return unsigned_old > unsigned_operand ? old : operand;
  }
}

}  // namespace vellum
