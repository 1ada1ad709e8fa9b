// SPDX-License-Identifier: MIT
#pragma once
// One hart: what the architecture can see of it, and what the machine remembers to run it fast.

#include <array>

#include "vellum/isa/privileged.hpp"
#include "vellum/machine/translation_cache.hpp"
#include "vellum/mmu/pmp.hpp"

namespace vellum {

/// The architectural state; a plain value, saved and restored as bytes.
struct HartState {
  u32 id = 0;
  Privilege privilege = Privilege::machine;
  bool is_waiting = false;  // in wfi
  bool has_reservation = false;
  u8 unused = 0;  // no byte of the state is left to chance
  std::array<u64, 33> x{};      // x[zero_sink] takes what is written to x0
  u64 pc = 0;

  u64 mstatus = status::uxl_64 | status::sxl_64;
  u64 medeleg = 0, mideleg = 0, mie = 0, mtvec = 0, mscratch = 0, mepc = 0, mcause = 0, mtval = 0, menvcfg = 0;
  u64 stvec = 0, sscratch = 0, sepc = 0, scause = 0, stval = 0, satp = 0, senvcfg = 0, stimecmp = 0;
  u32 mcounteren = 0, scounteren = 0;
  u64 software_pending = 0;  // the bits of mip that software sets
  u64 steps = 0;             // instructions begun, those that trapped among them
  u64 exceptions = 0;        // ... which did not retire
  u64 cycle_offset = 0, instret_offset = 0;  // written by software to mcycle and minstret
  u64 reserved_address = 0, reserved_value = 0;
  Pmp pmp;

  [[nodiscard]] bool has_sstc() const { return (menvcfg & envcfg::stce) != 0; }

  /// The privilege that loads and stores have (3.1.6.3: MPRV).
  [[nodiscard]] Privilege data_privilege() const {
    if ((mstatus & status::mprv) == 0) return privilege;
    return static_cast<Privilege>(bits(mstatus, 12, 11));
  }
  /// The rules for an access of this kind.
  [[nodiscard]] Regime regime(AccessKind kind) const {
    return {satp, kind == AccessKind::fetch ? privilege : data_privilege(), (mstatus & status::sum) != 0,
            (mstatus & status::mxr) != 0};
  }
};

struct Hart : HartState {
  static constexpr u64 nowhere = ~u64{0};
  // The interrupt lines of the devices, as bits of mip.
  u64 lines = 0;
  // While instructions are executed, pc is where this points.
  Op* page_ops = nullptr;
  u64 page_address = 0;  // virtual
  TranslationContext* context = nullptr;
  u64 granted = 0;  // instructions it may execute in this run of the interpreter
  u64 left = 0;     // of them, when it came back
  bool leave = false;    // the machine has to look at devices and timers before the next instruction
  u64 broke_at = nowhere;  // it stopped before the instruction there, and goes on with it
  bool refetch = false;  // the decoded page it runs in may be gone
  // For an instruction that crosses a page, or lies in a page of which only parts may be executed.
  std::array<Op, 3> single{};
  Op stumble_op{};
  Op stop_op{};
  TranslationCache translations;

  [[nodiscard]] u64 pc_of(const Op* op) const {
    return page_address +
           static_cast<u64>(reinterpret_cast<const char*>(op) - reinterpret_cast<const char*>(page_ops)) / 4;
  }
  [[nodiscard]] HartState& state() { return *this; }
  [[nodiscard]] const HartState& state() const { return *this; }

  /// After privilege, satp or mstatus changed.
  void select_context() {
    const Privilege data = data_privilege();
    const bool any_translation = privilege != Privilege::machine || data != Privilege::machine;
    context = translations.select(
        {any_translation ? satp : 0, privilege, data, (mstatus & status::sum) != 0, (mstatus & status::mxr) != 0});
  }
};

}  // namespace vellum
