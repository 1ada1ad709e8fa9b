// SPDX-License-Identifier: MIT
#include "vellum/machine/csr_file.hpp"

namespace vellum {

namespace {

constexpr u64 delegable_exceptions = 0xb3ff;
constexpr u32 lowest_privilege(u32 number) { return number >> 8 & 3; }
constexpr bool is_read_only(u32 number) { return number >> 10 == 3; }
constexpr bool is_between(u32 number, u32 first, u32 last) { return number >= first && number <= last; }

u64 shown_status(u64 mstatus, u64 mask) { return mstatus & mask; }

void replace(u64& reg, u64 mask, u64 value) { reg = (reg & ~mask) | (value & mask); }

/// A vector register keeps its value when the mode written is reserved.
void write_vector(u64& reg, u64 value) {
  if ((value & 3) < 2) reg = value;
}

void write_mstatus(HartState& hart, u64 value) {
  u64 mask = status::writable;
  if (bits(value, 12, 11) == 2) mask &= ~status::mpp;  // no such privilege
  replace(hart.mstatus, mask, value);
}

/// 12.1.11: a mode that is not there leaves the whole register as it was.
void write_satp(HartState& hart, u64 value, const CsrSurroundings& around) {
  const u64 mode = satp::mode_of(value);
  if (mode != satp::bare && (mode < satp::sv39 || mode > around.widest_mode)) return;
  const u64 asid_mask = ((u64{1} << around.asid_bits) - 1) << 44;
  hart.satp = value & ((u64{0xf} << 60) | asid_mask | (u64{1} << 44) - 1);
}

u64 cycles(const HartState& hart, const CsrSurroundings& around) {
  return hart.steps + around.steps_in_flight + hart.cycle_offset;
}
u64 retired(const HartState& hart, const CsrSurroundings& around) {
  return hart.steps + around.steps_in_flight - hart.exceptions + hart.instret_offset;
}

/// The software part of mip that a write from M-mode reaches.
u64 writable_pending(const HartState& hart) {
  using namespace interrupt;
  return hart.has_sstc() ? supervisor_all & ~bit(supervisor_timer) : supervisor_all;
}

std::optional<u64> read_supervisor(const HartState& hart, u32 number, u64 pending) {
  switch (number) {
    case csr::sstatus: return shown_status(hart.mstatus, status::seen_by_supervisor);
    case csr::sie: return hart.mie & hart.mideleg;
    case csr::stvec: return hart.stvec;
    case csr::scounteren: return hart.scounteren;
    case csr::senvcfg: return hart.senvcfg;
    case csr::sscratch: return hart.sscratch;
    case csr::sepc: return hart.sepc;
    case csr::scause: return hart.scause;
    case csr::stval: return hart.stval;
    case csr::sip: return pending & hart.mideleg;
    case csr::stimecmp: return hart.stimecmp;
    case csr::satp: return hart.satp;
    default: return std::nullopt;
  }
}

std::optional<u64> read_machine(const HartState& hart, u32 number, u64 pending) {
  switch (number) {
    case csr::mstatus: return hart.mstatus;
    case csr::misa: return misa_value;
    case csr::medeleg: return hart.medeleg;
    case csr::mideleg: return hart.mideleg;
    case csr::mie: return hart.mie;
    case csr::mtvec: return hart.mtvec;
    case csr::mcounteren: return hart.mcounteren;
    case csr::menvcfg: return hart.menvcfg;
    case csr::mscratch: return hart.mscratch;
    case csr::mepc: return hart.mepc;
    case csr::mcause: return hart.mcause;
    case csr::mtval: return hart.mtval;
    case csr::mip: return pending;
    case csr::mhartid: return hart.id;
    case csr::mcountinhibit:
    case csr::mvendorid:
    case csr::marchid:
    case csr::mimpid:
    case csr::mconfigptr: return 0;
    default: break;
  }
  if (is_between(number, csr::mhpmevent3, csr::mhpmevent31)) return 0;
  if (is_between(number, csr::mhpmcounter3, csr::mhpmcounter31)) return 0;
  if (is_between(number, csr::pmpcfg0, csr::pmpcfg15) && number % 2 == 0) {
    const u32 first = (number - csr::pmpcfg0) * 4;
    return first < Pmp::entries ? hart.pmp.configuration(first) : 0;
  }
  if (is_between(number, csr::pmpaddr0, csr::pmpaddr63)) {
    const u32 index = number - csr::pmpaddr0;
    return index < Pmp::entries ? hart.pmp.address(index) : 0;
  }
  return std::nullopt;
}

}  // namespace

bool csr_is_accessible(const HartState& hart, u32 number, bool for_writing) {
  if (for_writing && is_read_only(number)) return false;
  const auto privilege = static_cast<u32>(hart.privilege);
  if (privilege < lowest_privilege(number)) return false;
  if (hart.privilege == Privilege::machine) return true;
  if (number == csr::satp && (hart.mstatus & status::tvm) != 0) return false;
  if (number == csr::stimecmp && ((hart.mcounteren & 2) == 0 || !hart.has_sstc())) return false;
  if (is_between(number, csr::cycle, csr::hpmcounter31)) {
    const u32 bit = number - csr::cycle;
    if ((hart.mcounteren >> bit & 1) == 0) return false;
    return hart.privilege == Privilege::supervisor || (hart.scounteren >> bit & 1) != 0;
  }
  return true;
}

std::optional<u64> read_csr(const HartState& hart, u32 number, const CsrSurroundings& around) {
  switch (number) {
    case csr::cycle:
    case csr::mcycle: return cycles(hart, around);
    case csr::instret:
    case csr::minstret: return retired(hart, around);
    case csr::time: return around.time;
    default: break;
  }
  if (is_between(number, csr::hpmcounter3, csr::hpmcounter31)) return 0;
  const u64 pending = hart.software_pending | around.lines;
  const auto value = read_supervisor(hart, number, pending);
  return value ? value : read_machine(hart, number, pending);
}

CsrEffect write_csr(HartState& hart, u32 number, u64 value, const CsrSurroundings& around) {
  switch (number) {
    case csr::sstatus:
      replace(hart.mstatus, status::writable_by_supervisor, value);
      return {.regime = true, .interrupts = true};
    case csr::sie: replace(hart.mie, hart.mideleg, value); return {.interrupts = true};
    case csr::stvec: write_vector(hart.stvec, value); break;
    case csr::scounteren: hart.scounteren = static_cast<u32>(value); break;
    case csr::senvcfg: hart.senvcfg = value & envcfg::fiom; break;
    case csr::sscratch: hart.sscratch = value; break;
    case csr::sepc: hart.sepc = value & ~u64{1}; break;
    case csr::scause: hart.scause = value; break;
    case csr::stval: hart.stval = value; break;
    case csr::sip:
      replace(hart.software_pending, interrupt::bit(interrupt::supervisor_software) & hart.mideleg, value);
      return {.interrupts = true};
    case csr::stimecmp: hart.stimecmp = value; return {.timer = true};
    case csr::satp: write_satp(hart, value, around); return {.regime = true};
    case csr::mstatus: write_mstatus(hart, value); return {.regime = true, .interrupts = true};
    case csr::medeleg: hart.medeleg = value & delegable_exceptions; break;
    case csr::mideleg: hart.mideleg = value & interrupt::supervisor_all; return {.interrupts = true};
    case csr::mie: hart.mie = value & (interrupt::supervisor_all | interrupt::machine_all); return {.interrupts = true};
    case csr::mtvec: write_vector(hart.mtvec, value); break;
    case csr::mcounteren: hart.mcounteren = static_cast<u32>(value); break;
    case csr::menvcfg: hart.menvcfg = value & (envcfg::stce | envcfg::fiom); return {.timer = true};
    case csr::mscratch: hart.mscratch = value; break;
    case csr::mepc: hart.mepc = value & ~u64{1}; break;
    case csr::mcause: hart.mcause = value; break;
    case csr::mtval: hart.mtval = value; break;
    case csr::mip: replace(hart.software_pending, writable_pending(hart), value); return {.interrupts = true};
    case csr::mcycle: hart.cycle_offset += value - cycles(hart, around); break;
    case csr::minstret: hart.instret_offset += value - retired(hart, around); break;
    default: break;
  }
  if (is_between(number, csr::pmpcfg0, csr::pmpcfg15) && (number - csr::pmpcfg0) * 4 < Pmp::entries) {
    hart.pmp.set_configuration((number - csr::pmpcfg0) * 4, value);
    return {.protection = true};
  }
  if (is_between(number, csr::pmpaddr0, csr::pmpaddr15)) {
    hart.pmp.set_address(number - csr::pmpaddr0, value);
    return {.protection = true};
  }
  return {};
}

}  // namespace vellum
