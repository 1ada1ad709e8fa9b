// SPDX-License-Identifier: MIT
#pragma once
// Address translation, written from the privileged manual (12.3.2 and the sections on Sv48 and Sv57) on raw numbers.

#include <optional>

#include "vellum/isa/privileged.hpp"

namespace vellum {

/// Who translates, and under which rules.
struct Regime {
  u64 satp = 0;
  Privilege privilege = Privilege::machine;  // the effective one: MPRV has been looked at
  bool sum = false;                          // S-mode may touch pages with U
  bool mxr = false;                          // executable counts as readable

  [[nodiscard]] bool translates() const {
    return privilege != Privilege::machine && vellum::satp::mode_of(satp) != vellum::satp::bare;
  }
  friend bool operator==(const Regime&, const Regime&) = default;
};

/// What the hardware does when a leaf's A, or D for a store, is clear.
enum class AccessedDirty : u8 { fault /* Svade */, update /* in hardware */ };

/// Why a translation did not come about.
enum class WalkFailure : u8 { page_fault, access_fault };

/// One entry that the walk read.
struct WalkStep {
  u64 virtual_address;
  u64 entry_address;  // physical
  u64 value;
  u8 level;  // counting down to 0
  AccessKind kind;
};

/// A translation that came about.
struct Translation {
  u64 physical_address = 0;
  u64 leaf = 0;           // the entry; 0 when nothing was translated
  u64 leaf_address = 0;   // where it stands
  u8 level = 0;           // of the leaf
};

struct WalkResult {
  std::optional<WalkFailure> failure;
  Translation translation;
};

/// Levels of a mode's tables: 3 in Sv39, 4 in Sv48, 5 in Sv57.
constexpr u32 levels_of(u64 mode) { return static_cast<u32>(mode - satp::sv39 + 3); }

/// Whether the bits above the address's width repeat its highest one.
constexpr bool is_canonical(u64 address, u32 levels) {
  return static_cast<u64>(sign_extend(address, 12 + 9 * levels)) == address;
}

/// The rights check of 12.3.2, steps 6 and 7: does the leaf allow this access?
constexpr bool leaf_allows(u64 leaf, AccessKind kind, const Regime& regime) {
  const bool is_user_page = (leaf & entry::user) != 0;
  if (regime.privilege == Privilege::user && !is_user_page) return false;
  if (regime.privilege == Privilege::supervisor && is_user_page && (kind == AccessKind::fetch || !regime.sum)) {
    return false;
  }
  switch (kind) {
    case AccessKind::fetch: return (leaf & entry::executable) != 0;
    case AccessKind::load: return (leaf & entry::readable) != 0 || (regime.mxr && (leaf & entry::executable) != 0);
    case AccessKind::store: return (leaf & entry::writable) != 0;
  }
  return false;
}

/// Walks the tables for one address. `Memory` gives
///   std::optional<u64> read_entry(const WalkStep&)  with value unset: the entry, nothing when it can't be read
///   bool update_entry(u64 address, u64 value)  writes A and D; false when it cannot be written
template <class Memory>
WalkResult walk(Memory& memory, u64 address, AccessKind kind, const Regime& regime, AccessedDirty rule) {
  const auto failed = [](WalkFailure failure) { return WalkResult{failure, {}}; };
  if (!regime.translates()) return {std::nullopt, {.physical_address = address}};
  const u32 levels = levels_of(satp::mode_of(regime.satp));
  if (!is_canonical(address, levels)) return failed(WalkFailure::page_fault);
  u64 table = satp::root_of(regime.satp);
  for (u32 level = levels; level-- > 0;) {
    const u64 place = table + (address >> (12 + 9 * level) & 511) * 8;
    const std::optional<u64> read = memory.read_entry({address, place, 0, static_cast<u8>(level), kind});
    if (!read) return failed(WalkFailure::access_fault);
    const u64 value = *read;
    if ((value & entry::valid) == 0 || (value & entry::reserved) != 0) return failed(WalkFailure::page_fault);
    if ((value & (entry::readable | entry::writable)) == entry::writable) return failed(WalkFailure::page_fault);
    if ((value & entry::rights) == 0) {
      if ((value & (entry::accessed | entry::dirty | entry::user)) != 0) return failed(WalkFailure::page_fault);
      table = entry::frame_of(value);
      continue;
    }
    const u64 offset_mask = (page_bytes << 9 * level) - 1;
    if ((entry::frame_of(value) & offset_mask) != 0) return failed(WalkFailure::page_fault);  // misaligned superpage
    if (!leaf_allows(value, kind, regime)) return failed(WalkFailure::page_fault);
    const u64 marks = entry::accessed | (kind == AccessKind::store ? entry::dirty : 0);
    u64 leaf = value;
    if ((value & marks) != marks) {
      if (rule == AccessedDirty::fault) return failed(WalkFailure::page_fault);
      leaf = value | marks;
      if (!memory.update_entry(place, leaf)) return failed(WalkFailure::access_fault);
    }
    return {std::nullopt, {entry::frame_of(value) | (address & offset_mask), leaf, place, static_cast<u8>(level)}};
  }
  return failed(WalkFailure::page_fault);
}

}  // namespace vellum
