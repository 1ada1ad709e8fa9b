// SPDX-License-Identifier: MIT
#pragma once
// Exceptions, interrupts and the way back (privileged manual, 3.1.6 to 3.1.9 and 12.1).

#include "vellum/machine/machine.hpp"

namespace vellum {

/// Takes an exception of the instruction at pc; returns where to go on.
template <Observer O>
Op* Machine<O>::raise(Hart& hart, Cause cause, u64 tval, u64 pc) {
  ++hart.exceptions;
  take_trap(hart, static_cast<u64>(cause), tval, pc);
  return enter(hart, hart.pc);
}

template <Observer O>
void Machine<O>::take_trap(Hart& hart, u64 cause, u64 tval, u64 pc) {
  const bool is_interrupt = (cause & interrupt::cause_flag) != 0;
  const u64 number = cause & ~interrupt::cause_flag;
  const u64 delegated = is_interrupt ? hart.mideleg : hart.medeleg;
  const auto vector = [&](u64 base) { return (base & ~u64{3}) + (is_interrupt && (base & 3) == 1 ? 4 * number : 0); };
  u64& word = hart.mstatus;
  if (hart.privilege != Privilege::machine && (delegated >> number & 1) != 0) {
    hart.scause = cause;
    hart.sepc = pc;
    hart.stval = tval;
    word = (word & ~(status::spie | status::spp | status::sie)) | ((word & status::sie) != 0 ? status::spie : 0) |
           (hart.privilege == Privilege::supervisor ? status::spp : 0);
    hart.privilege = Privilege::supervisor;
    hart.pc = vector(hart.stvec);
  } else {
    hart.mcause = cause;
    hart.mepc = pc;
    hart.mtval = tval;
    word = (word & ~(status::mpie | status::mpp | status::mie)) | ((word & status::mie) != 0 ? status::mpie : 0) |
           static_cast<u64>(hart.privilege) << status::mpp_shift;
    hart.privilege = Privilege::machine;
    hart.pc = vector(hart.mtvec);
  }
  hart.select_context();
  if constexpr (O::sees_traps) observer_.on_trap(hart, cause, tval);
}

/// Takes the most urgent interrupt that is pending, enabled and not masked, if there is one (3.1.9).
template <Observer O>
bool Machine<O>::take_interrupt(Hart& hart, u64 pc, u64 left) {
  if (hart.mie == 0) return false;
  const u64 pending = (hart.software_pending | lines_of(hart, now(hart, left))) & hart.mie;
  if (pending == 0) return false;
  const bool machine_open = hart.privilege != Privilege::machine || (hart.mstatus & status::mie) != 0;
  const bool supervisor_open = hart.privilege == Privilege::user ||
                               (hart.privilege == Privilege::supervisor && (hart.mstatus & status::sie) != 0);
  u64 taken = machine_open ? pending & ~hart.mideleg : 0;
  if (taken == 0 && supervisor_open) taken = pending & hart.mideleg;
  if (taken == 0) return false;
  using namespace interrupt;
  for (const unsigned number : {machine_external, machine_software, machine_timer, supervisor_external,
                                supervisor_software, supervisor_timer}) {
    if ((taken & bit(number)) == 0) continue;
    take_trap(hart, cause_flag | number, 0, pc);
    return true;
  }
  return false;
}

}  // namespace vellum
