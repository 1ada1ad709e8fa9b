// SPDX-License-Identifier: MIT
#pragma once
// A translation taken apart: what the walker reads, step by step, and what it concludes. For the panic screen, the
// explorer and the docs. The tables may be hostile or half written: nothing read is believed.

#include <array>

#include "sv39/concepts.hpp"

namespace sv39 {

/// One step: in the table at `table`, entry `index` (at `entry_address` = table + index * 8) holds `entry`.
struct WalkStep {
  Level level = root_level;
  PhysAddr table;
  unsigned index = 0;
  PhysAddr entry_address;
  Pte entry;
};

/// Why a walk ended.
enum class WalkEnd : unsigned {
  leaf,                  ///< found a leaf; `physical` is the translation
  not_canonical,         ///< no step was taken
  table_outside_memory,  ///< the table of the last step is not memory; its entry was not read
  invalid_entry,         ///< V is clear
  reserved_encoding,     ///< the entry is one that hardware refuses
};

/// What an access would meet, in the order in which the manual checks.
enum class Verdict : unsigned {
  allowed,
  not_canonical,
  table_outside_memory,
  not_present,
  reserved_encoding,
  user_page,        ///< supervisor touches a U page (executes: never; reads, writes: only with SUM)
  supervisor_page,  ///< user touches a page without U
  not_readable,
  not_writable,
  copy_on_write,  ///< not writable now, but a store will be given a private copy
  not_executable,
  accessed_clear,  ///< hardware without A/D updating faults so that the kernel sets A
  dirty_clear,
};

/// Whether supervisor mode has sstatus.SUM set.
enum class Sum : unsigned { clear, set };

struct Walk {
  VirtAddr va;
  PhysAddr root;
  std::array<WalkStep, 3> steps;
  unsigned step_count = 0;
  WalkEnd end = WalkEnd::not_canonical;
  /// Valid when end is leaf: the byte's address, and the size of the page.
  PhysAddr physical;
  Level leaf_level = Level::base;

  [[nodiscard]] constexpr bool found() const { return end == WalkEnd::leaf; }
  /// The last entry read (the leaf when found, the culprit otherwise); zero when none was.
  [[nodiscard]] constexpr Pte last_entry() const { return step_count == 0 ? Pte() : steps[step_count - 1].entry; }
  [[nodiscard]] constexpr Verdict verdict(Access access, Privilege privilege, Sum sum = Sum::clear) const;
};

/// Walks `va` from the root table at `root`, as hardware with these extensions does.
template <PhysicalReader Reader>
constexpr Walk explain(const Reader& reader, PhysAddr root, VirtAddr va, Extensions extensions = {}) {
  Walk walk;
  walk.va = va;
  walk.root = root;
  if (!va.is_canonical()) return walk;

  PhysAddr table = root;
  for (Level level = root_level;; level = below(level)) {
    unsigned index = va.index(level);
    WalkStep& step = walk.steps[walk.step_count++];
    step = WalkStep{level, table, index, table + index * 8, Pte()};
    std::optional<u64> raw = reader.read(step.entry_address);
    if (!raw) {
      walk.end = WalkEnd::table_outside_memory;
      return walk;
    }
    Pte pte = step.entry = Pte::from_raw(*raw);
    if (!pte.is_valid()) {
      walk.end = WalkEnd::invalid_entry;
      return walk;
    }
    if (pte.is_reserved_encoding(level, extensions)) {
      walk.end = WalkEnd::reserved_encoding;
      return walk;
    }
    if (pte.is_leaf()) {
      walk.end = WalkEnd::leaf;
      walk.physical = pte.page_of(va, level, extensions) + va.offset_in(level);
      walk.leaf_level = level;
      return walk;
    }
    table = pte.ppn().address();
  }
}

constexpr Verdict Walk::verdict(Access access, Privilege privilege, Sum sum) const {
  switch (end) {
    case WalkEnd::not_canonical: return Verdict::not_canonical;
    case WalkEnd::table_outside_memory: return Verdict::table_outside_memory;
    case WalkEnd::invalid_entry: return Verdict::not_present;
    case WalkEnd::reserved_encoding: return Verdict::reserved_encoding;
    case WalkEnd::leaf: break;
  }
  Pte pte = last_entry();
  if (privilege == Privilege::user && !pte.is_user()) return Verdict::supervisor_page;
  if (privilege == Privilege::supervisor && pte.is_user() && (access == Access::execute || sum == Sum::clear)) {
    return Verdict::user_page;
  }
  if (!pte.allows(access)) {
    if (access == Access::read) return Verdict::not_readable;
    if (access == Access::execute) return Verdict::not_executable;
    return pte.is_copy_on_write() ? Verdict::copy_on_write : Verdict::not_writable;
  }
  if (!pte.is_accessed()) return Verdict::accessed_clear;
  if (access == Access::write && !pte.is_dirty()) return Verdict::dirty_clear;
  return Verdict::allowed;
}

constexpr const char* describe(Verdict verdict) {
  switch (verdict) {
    case Verdict::allowed: return "allowed";
    case Verdict::not_canonical: return "address is not canonical: bits 63 to 38 differ";
    case Verdict::table_outside_memory: return "the table lies outside memory";
    case Verdict::not_present: return "not present: the entry's V bit is clear";
    case Verdict::reserved_encoding: return "the entry is a reserved encoding";
    case Verdict::user_page: return "user page touched by the supervisor";
    case Verdict::supervisor_page: return "supervisor page touched by the user";
    case Verdict::not_readable: return "page is not readable";
    case Verdict::not_writable: return "page is not writable";
    case Verdict::copy_on_write: return "page is shared copy-on-write";
    case Verdict::not_executable: return "page is not executable";
    case Verdict::accessed_clear: return "the A bit is clear";
    case Verdict::dirty_clear: return "the D bit is clear";
  }
  return "unknown verdict";
}

}  // namespace sv39
