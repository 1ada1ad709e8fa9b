// SPDX-License-Identifier: MIT
#pragma once
// All instructions the machine knows: the one table from which they are decoded.

#include <array>
#include <string_view>

#include "vellum/isa/types.hpp"

namespace vellum {

/// Where an instruction keeps its operands (unprivileged manual, 2.2 and 2.3).
enum class Format : u8 {
  none,
  r,      // rd, rs1, rs2
  i,      // rd, rs1, 12-bit immediate
  shift,  // rd, rs1, 6-bit amount
  s,      // rs1, rs2, store offset
  b,      // rs1, rs2, branch offset
  u,      // rd, upper immediate
  j,      // rd, jump offset
  csr,    // rd, rs1 or a 5-bit immediate in its place, number of the CSR
};

// X(name, mask, match, format): a word is this instruction when (word & mask) == match.
#define VELLUM_OPERATIONS(X)               \
  X(illegal, 0xffffffff, 0x00000000, none) \
  X(lui, 0x0000007f, 0x00000037, u)        \
  X(auipc, 0x0000007f, 0x00000017, u)      \
  X(jal, 0x0000007f, 0x0000006f, j)        \
  X(jalr, 0x0000707f, 0x00000067, i)       \
  X(beq, 0x0000707f, 0x00000063, b)        \
  X(bne, 0x0000707f, 0x00001063, b)        \
  X(blt, 0x0000707f, 0x00004063, b)        \
  X(bge, 0x0000707f, 0x00005063, b)        \
  X(bltu, 0x0000707f, 0x00006063, b)       \
  X(bgeu, 0x0000707f, 0x00007063, b)       \
  X(lb, 0x0000707f, 0x00000003, i)         \
  X(lh, 0x0000707f, 0x00001003, i)         \
  X(lw, 0x0000707f, 0x00002003, i)         \
  X(ld, 0x0000707f, 0x00003003, i)         \
  X(lbu, 0x0000707f, 0x00004003, i)        \
  X(lhu, 0x0000707f, 0x00005003, i)        \
  X(lwu, 0x0000707f, 0x00006003, i)        \
  X(sb, 0x0000707f, 0x00000023, s)         \
  X(sh, 0x0000707f, 0x00001023, s)         \
  X(sw, 0x0000707f, 0x00002023, s)         \
  X(sd, 0x0000707f, 0x00003023, s)         \
  X(addi, 0x0000707f, 0x00000013, i)       \
  X(slti, 0x0000707f, 0x00002013, i)       \
  X(sltiu, 0x0000707f, 0x00003013, i)      \
  X(xori, 0x0000707f, 0x00004013, i)       \
  X(ori, 0x0000707f, 0x00006013, i)        \
  X(andi, 0x0000707f, 0x00007013, i)       \
  X(slli, 0xfc00707f, 0x00001013, shift)   \
  X(srli, 0xfc00707f, 0x00005013, shift)   \
  X(srai, 0xfc00707f, 0x40005013, shift)   \
  X(addiw, 0x0000707f, 0x0000001b, i)      \
  X(slliw, 0xfe00707f, 0x0000101b, shift)  \
  X(srliw, 0xfe00707f, 0x0000501b, shift)  \
  X(sraiw, 0xfe00707f, 0x4000501b, shift)  \
  X(add, 0xfe00707f, 0x00000033, r)        \
  X(sub, 0xfe00707f, 0x40000033, r)        \
  X(sll, 0xfe00707f, 0x00001033, r)        \
  X(slt, 0xfe00707f, 0x00002033, r)        \
  X(sltu, 0xfe00707f, 0x00003033, r)       \
  X(xor_, 0xfe00707f, 0x00004033, r)       \
  X(srl, 0xfe00707f, 0x00005033, r)        \
  X(sra, 0xfe00707f, 0x40005033, r)        \
  X(or_, 0xfe00707f, 0x00006033, r)        \
  X(and_, 0xfe00707f, 0x00007033, r)       \
  X(addw, 0xfe00707f, 0x0000003b, r)       \
  X(subw, 0xfe00707f, 0x4000003b, r)       \
  X(sllw, 0xfe00707f, 0x0000103b, r)       \
  X(srlw, 0xfe00707f, 0x0000503b, r)       \
  X(sraw, 0xfe00707f, 0x4000503b, r)       \
  X(mul, 0xfe00707f, 0x02000033, r)        \
  X(mulh, 0xfe00707f, 0x02001033, r)       \
  X(mulhsu, 0xfe00707f, 0x02002033, r)     \
  X(mulhu, 0xfe00707f, 0x02003033, r)      \
  X(div, 0xfe00707f, 0x02004033, r)        \
  X(divu, 0xfe00707f, 0x02005033, r)       \
  X(rem, 0xfe00707f, 0x02006033, r)        \
  X(remu, 0xfe00707f, 0x02007033, r)       \
  X(mulw, 0xfe00707f, 0x0200003b, r)       \
  X(divw, 0xfe00707f, 0x0200403b, r)       \
  X(divuw, 0xfe00707f, 0x0200503b, r)      \
  X(remw, 0xfe00707f, 0x0200603b, r)       \
  X(remuw, 0xfe00707f, 0x0200703b, r)      \
  X(fence, 0x0000707f, 0x0000000f, none)   \
  X(fence_i, 0x0000707f, 0x0000100f, none) \
  X(lr_w, 0xf9f0707f, 0x1000202f, r)       \
  X(sc_w, 0xf800707f, 0x1800202f, r)       \
  X(amoswap_w, 0xf800707f, 0x0800202f, r)  \
  X(amoadd_w, 0xf800707f, 0x0000202f, r)   \
  X(amoxor_w, 0xf800707f, 0x2000202f, r)   \
  X(amoand_w, 0xf800707f, 0x6000202f, r)   \
  X(amoor_w, 0xf800707f, 0x4000202f, r)    \
  X(amomin_w, 0xf800707f, 0x8000202f, r)   \
  X(amomax_w, 0xf800707f, 0xa000202f, r)   \
  X(amominu_w, 0xf800707f, 0xc000202f, r)  \
  X(amomaxu_w, 0xf800707f, 0xe000202f, r)  \
  X(lr_d, 0xf9f0707f, 0x1000302f, r)       \
  X(sc_d, 0xf800707f, 0x1800302f, r)       \
  X(amoswap_d, 0xf800707f, 0x0800302f, r)  \
  X(amoadd_d, 0xf800707f, 0x0000302f, r)   \
  X(amoxor_d, 0xf800707f, 0x2000302f, r)   \
  X(amoand_d, 0xf800707f, 0x6000302f, r)   \
  X(amoor_d, 0xf800707f, 0x4000302f, r)    \
  X(amomin_d, 0xf800707f, 0x8000302f, r)   \
  X(amomax_d, 0xf800707f, 0xa000302f, r)   \
  X(amominu_d, 0xf800707f, 0xc000302f, r)  \
  X(amomaxu_d, 0xf800707f, 0xe000302f, r)  \
  X(ecall, 0xffffffff, 0x00000073, none)   \
  X(ebreak, 0xffffffff, 0x00100073, none)  \
  X(sret, 0xffffffff, 0x10200073, none)    \
  X(mret, 0xffffffff, 0x30200073, none)    \
  X(wfi, 0xffffffff, 0x10500073, none)     \
  X(sfence_vma, 0xfe007fff, 0x12000073, r) \
  X(csrrw, 0x0000707f, 0x00001073, csr)    \
  X(csrrs, 0x0000707f, 0x00002073, csr)    \
  X(csrrc, 0x0000707f, 0x00003073, csr)    \
  X(csrrwi, 0x0000707f, 0x00005073, csr)   \
  X(csrrsi, 0x0000707f, 0x00006073, csr)   \
  X(csrrci, 0x0000707f, 0x00007073, csr)

enum class Operation : u8 {
#define VELLUM_NAME(name, mask, match, format) name,
  VELLUM_OPERATIONS(VELLUM_NAME)
#undef VELLUM_NAME
};

struct Encoding {
  std::string_view name;
  u32 mask;
  u32 match;
  Format format;
};

constexpr std::array encodings{
#define VELLUM_ROW(name, mask, match, format) Encoding{#name, mask, match, Format::format},
    VELLUM_OPERATIONS(VELLUM_ROW)
#undef VELLUM_ROW
};
constexpr usize operation_count = encodings.size();

/// Operations of one group stand together in the table.
constexpr bool is_between(Operation op, Operation first, Operation last) { return op >= first && op <= last; }
constexpr bool is_branch(Operation op) { return is_between(op, Operation::beq, Operation::bgeu); }
constexpr bool is_load(Operation op) { return is_between(op, Operation::lb, Operation::lwu); }
constexpr bool is_store(Operation op) { return is_between(op, Operation::sb, Operation::sd); }
constexpr bool is_immediate(Operation op) { return is_between(op, Operation::addi, Operation::sraiw); }
constexpr bool is_arithmetic(Operation op) { return is_between(op, Operation::add, Operation::remuw); }
constexpr bool is_atomic(Operation op) { return is_between(op, Operation::lr_w, Operation::amomaxu_d); }
constexpr bool is_csr(Operation op) { return is_between(op, Operation::csrrw, Operation::csrrci); }

}  // namespace vellum
