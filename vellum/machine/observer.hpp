// SPDX-License-Identifier: MIT
#pragma once
// The seam for whoever watches the machine: judges, history, tracing. A Machine<Observer> calls these hooks; what an
// observer says it does not see costs nothing, since the question is answered when the machine is compiled.

#include <concepts>

#include "vellum/mmu/walk.hpp"

namespace vellum {

struct HartState;

/// One access to memory by an instruction, after it was translated.
struct Access {
  u64 virtual_address;
  u64 physical_address;
  u32 bytes;
};

/// An observer that sees nothing: the machine at full speed. Derive from it and say what you see.
///
/// In every hook `hart.pc` is the instruction that is being executed (in on_trap and on_return: where it goes on), the
/// other registers are what they were before it, and Machine::moment(hart) tells how many instructions all harts have
/// begun.
struct Unobserved {
  /// on_instruction(hart, pc): before each instruction.
  static constexpr bool sees_instructions = false;
  /// on_load(hart, access, value) and on_store(hart, access, value): each access, by instructions (before a store is
  /// done, so that the old bytes can still be read). Devices are included, walks are not.
  static constexpr bool sees_loads = false, sees_stores = false;
  /// on_walk_step(hart, step): each entry read by a walk. on_translation(hart, address, kind, regime, result): its end.
  /// The machine remembers translations, but each of them is forgotten at once when an entry that it came from is
  /// stored to, and all of a hart at its satp write if forgets_at_satp is set: an outcome that could have changed is
  /// always walked again.
  static constexpr bool sees_walks = false;
  static constexpr bool forgets_at_satp = false;
  /// on_entry_store(hart, address, old_value, new_value): a store (by an instruction, by hardware A/D updating, by a
  /// device: then hart is null) into a page from which a walk has read entries, for each aligned 8 bytes it touches.
  static constexpr bool sees_entry_stores = false;
  /// on_code_store(hart, address, bytes): a store into a page from which instructions were fetched (hart null: device).
  /// on_fetch_page(hart, virtual_page, physical_page): a hart begins to run in a page it was not running in.
  /// on_decode(hart, physical, bytes): instruction bytes are fetched because this hart is about to execute them; once,
  /// until someone stores into them.
  static constexpr bool sees_code = false;
  /// on_satp(hart, old, new), on_fence(hart, has_address, address, has_asid, asid), on_fence_i(hart).
  static constexpr bool sees_fences = false;
  /// on_trap(hart, cause, tval): exceptions and interrupts, after pc and CSRs were changed. on_return(hart).
  static constexpr bool sees_traps = false;
  /// on_dma(address, bytes, AccessKind): a device reads or writes memory.
  static constexpr bool sees_dma = false;
  /// on_first_store(page): the first store (by whomever) into a page of RAM or disk since Machine::begin_epoch(),
  /// before it is done. `page` is Memory's number.
  static constexpr bool sees_first_stores = false;
  /// on_break(hart, pc): before an instruction at an address given to Machine::break_at(). If the hook asks the machine
  /// to stop, it stops there, and goes on with that instruction the next time.
  static constexpr bool sees_breaks = false;
  /// on_watched(hart, access, kind, value): an access to a page for which Machine::watch() was called (by devices too,
  /// hart null). Costs only where it is watched.
  static constexpr bool sees_watched = false;
};

template <class O>
concept Observer = requires {
  { O::sees_instructions } -> std::convertible_to<bool>;
  { O::sees_loads } -> std::convertible_to<bool>;
  { O::sees_stores } -> std::convertible_to<bool>;
  { O::sees_walks } -> std::convertible_to<bool>;
  { O::forgets_at_satp } -> std::convertible_to<bool>;
  { O::sees_entry_stores } -> std::convertible_to<bool>;
  { O::sees_code } -> std::convertible_to<bool>;
  { O::sees_fences } -> std::convertible_to<bool>;
  { O::sees_traps } -> std::convertible_to<bool>;
  { O::sees_dma } -> std::convertible_to<bool>;
  { O::sees_watched } -> std::convertible_to<bool>;
  { O::sees_first_stores } -> std::convertible_to<bool>;
  { O::sees_breaks } -> std::convertible_to<bool>;
};
static_assert(Observer<Unobserved>);

}  // namespace vellum
