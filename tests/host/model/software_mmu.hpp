// SPDX-License-Identifier: MIT
#pragma once
// An Sv39 translation unit in software, written from the privileged manual (section "Sv39", 12.4, and the
// virtual address translation process, 12.3.2) and from nothing else: it shares no code and no type with sv39/,
// so that an error there cannot hide here. Numbers are raw on purpose.

#include <cstdint>
#include <functional>
#include <optional>

namespace model {

enum class AccessKind { load, store, fetch };
enum class Privilege { user, supervisor };
enum class FaultKind {
  none,
  non_canonical,       // bits 63..39 differ from bit 38
  invalid,             // V = 0, or W without R
  reserved_bits,       // bits 63..54 set (no Svnapot, no Svpbmt here), or A, D, U in a non-leaf
  no_leaf,             // a pointer at level 0
  permission,          // R, W, X, U against kind, privilege, SUM, MXR
  misaligned,          // superpage with low PPN bits set
  accessed_dirty,      // A clear, or D clear on a store: Svade faults
  access,              // a table outside physical memory
};

/// What the hart is doing when it translates.
struct Context {
  Privilege privilege = Privilege::user;
  bool sum = false;  // sstatus.SUM: S-mode may load and store U pages
  bool mxr = false;  // sstatus.MXR: loads may read X-only pages
};

/// One page-table entry met on the way.
struct Step {
  unsigned level = 0;
  std::uint64_t pte_address = 0;
  std::uint64_t pte = 0;
};

struct Translation {
  FaultKind fault = FaultKind::none;
  std::uint64_t physical = 0;  // valid when fault == none
  unsigned steps = 0;
  Step step[3];                // step[steps - 1] is the last entry read

  [[nodiscard]] bool ok() const { return fault == FaultKind::none; }
  [[nodiscard]] const Step& last() const { return step[steps - 1]; }
};

/// Reads 8 bytes of physical memory; empty outside RAM.
using ReadWord = std::function<std::optional<std::uint64_t>(std::uint64_t)>;

namespace bit {
inline constexpr std::uint64_t v = 1, r = 2, w = 4, x = 8, u = 16, g = 32, a = 64, d = 128;
}

inline bool canonical(std::uint64_t va) {
  const std::uint64_t high = va >> 38;  // bits 63..38: all equal
  return high == 0 || high == 0x3ffffff;
}

/// The leaf's verdict on one access: none, permission or accessed_dirty. Also used on cached leaves.
inline FaultKind leaf_verdict(std::uint64_t pte, AccessKind kind, const Context& context) {
  const bool user_page = (pte & bit::u) != 0;
  if (context.privilege == Privilege::user && !user_page) return FaultKind::permission;
  if (context.privilege == Privilege::supervisor && user_page) {
    if (kind == AccessKind::fetch || !context.sum) return FaultKind::permission;
  }
  bool allowed = false;
  switch (kind) {
    case AccessKind::load: allowed = (pte & bit::r) != 0 || (context.mxr && (pte & bit::x) != 0); break;
    case AccessKind::store: allowed = (pte & bit::w) != 0; break;
    case AccessKind::fetch: allowed = (pte & bit::x) != 0; break;
  }
  if (!allowed) return FaultKind::permission;
  if ((pte & bit::a) == 0 || (kind == AccessKind::store && (pte & bit::d) == 0)) return FaultKind::accessed_dirty;
  return FaultKind::none;
}

/// Bytes that a leaf at `level` covers.
inline std::uint64_t span_of(unsigned level) { return std::uint64_t{4096} << (9 * level); }

/// Is the leaf well formed and aligned for its level? none, invalid, reserved_bits or misaligned.
inline FaultKind leaf_form(std::uint64_t pte, unsigned level) {
  const std::uint64_t ppn = (pte >> 10) & ((std::uint64_t{1} << 44) - 1);
  const std::uint64_t low_mask = (std::uint64_t{1} << (9 * level)) - 1;
  return (ppn & low_mask) == 0 ? FaultKind::none : FaultKind::misaligned;
}

/// Translates `va` under the table whose root frame is at physical address `root`.
template <typename Read>
Translation translate(const Read& read, std::uint64_t root, std::uint64_t va, AccessKind kind, const Context& context) {
  Translation result;
  const auto fail = [&](FaultKind fault) {
    result.fault = fault;
    return result;
  };
  if (!canonical(va)) return fail(FaultKind::non_canonical);
  std::uint64_t table = root;
  for (unsigned level = 2;; --level) {
    const std::uint64_t index = (va >> (12 + 9 * level)) & 511;
    const std::uint64_t address = table + 8 * index;
    const std::optional<std::uint64_t> word = read(address);
    if (!word) return fail(FaultKind::access);
    const std::uint64_t pte = *word;
    result.step[result.steps++] = Step{level, address, pte};
    if ((pte & bit::v) == 0) return fail(FaultKind::invalid);
    if ((pte & bit::w) != 0 && (pte & bit::r) == 0) return fail(FaultKind::invalid);
    if ((pte >> 54) != 0) return fail(FaultKind::reserved_bits);
    const std::uint64_t ppn = (pte >> 10) & ((std::uint64_t{1} << 44) - 1);
    if ((pte & (bit::r | bit::x)) == 0) {
      if ((pte & (bit::a | bit::d | bit::u)) != 0) return fail(FaultKind::reserved_bits);
      if (level == 0) return fail(FaultKind::no_leaf);
      table = ppn << 12;
      continue;
    }
    const FaultKind verdict = leaf_verdict(pte, kind, context);
    if (verdict == FaultKind::permission) return fail(verdict);
    const FaultKind form = leaf_form(pte, level);  // the manual checks alignment after permission, before A and D
    if (form != FaultKind::none) return fail(form);
    if (verdict != FaultKind::none) return fail(verdict);
    result.physical = (ppn << 12) + (va & (span_of(level) - 1));
    return result;
  }
}

}  // namespace model
