// SPDX-License-Identifier: MIT
#pragma once
// The judge of missing fences: could this hart have used an older entry here, and would it have made a difference?
//
// A hart may have read, by an access or by speculation, any entry that its satp led to, at any moment since the last
// fence that covers it, and may use it until the next (privileged manual, 12.2.1). So each old value of each entry on
// the way is tried, if it stood there after that fence while a table that led to it was in use. Those that would end at
// another frame, or allow what the tables now refuse, are findings. An old value that refuses what is allowed now costs
// a page fault, which kernels resolve by trying again: no finding.

#include <algorithm>
#include <optional>

#include "vellum/judge/entry_history.hpp"
#include "vellum/judge/fences.hpp"
#include "vellum/mmu/walk.hpp"

namespace vellum {

enum class StaleDifference : u8 { another_frame, more_rights };

/// A translation that the hart might have used instead.
struct StaleTranslation {
  StaleDifference difference{};
  u64 leaf = 0;  // the old entry
  u8 level = 0;
  u64 physical_address = 0;  // where it leads
  const EntryChange* change = nullptr;  // the store that was not fenced; null: the satp write of `root`
  const RootUse* root = nullptr;  // tables left without a fence, under the same ASID
};

/// The search for one access. `Read` gives the present value of an entry: std::optional<u64>(u64 physical address);
/// `Since` the tick of the first walk through its page as a table: u64(u64 physical address).
template <class Read, class Since>
class StaleSearch {
 public:
  StaleSearch(const EntryHistory& history, HartFences& fences, u64 asid_mask, Read read, Since since)
      : history_(history), fences_(fences), asid_mask_(asid_mask), read_(read), since_(since) {}

  /// `now` is what the walk gave.
  std::optional<StaleTranslation> run(u64 address, AccessKind kind, const Regime& regime, const WalkResult& now) {
    if (!regime.translates() || now.failure == WalkFailure::access_fault) return std::nullopt;
    const u32 levels = levels_of(satp::mode_of(regime.satp));
    if (!is_canonical(address, levels)) return std::nullopt;
    address_ = address;
    kind_ = kind;
    regime_ = regime;
    now_ = now;
    asid_ = satp::asid_of(regime.satp) & asid_mask_;
    space_fence_ = fences_.last_for_space(asid_);

    root_ = nullptr;
    const SpacePast past = fences_.past_of(regime.satp, asid_mask_);
    bound_ = std::max(space_fence_, past.earliest);
    top_ = levels - 1;
    look(satp::root_of(regime.satp), levels - 1, 0, nullptr);
    if (!past.has_other_roots) return found_;
    for (const RootUse& use : fences_.past()) {
      if (found_ || use.to <= space_fence_ || use.satp == regime.satp) continue;
      if ((satp::asid_of(use.satp) & asid_mask_) != asid_ || satp::mode_of(use.satp) != satp::mode_of(regime.satp))
        continue;
      root_ = &use;
      bound_ = std::max(space_fence_, use.from);
      look(satp::root_of(use.satp), levels - 1, 0, nullptr);
    }
    return found_;
  }

 private:
  enum class UnderAsid : u8 { same, any };

  /// Whether the hart's satp named the root that the search began at while something stood there, after `since`. The
  /// same page may have been a root before, and something else in between.
  [[nodiscard]] bool was_in_use(u64 begin, u64 end, u64 since, UnderAsid under) const {
    const auto overlaps = [&](const RootUse& use) {
      return std::max({begin, since, use.from}) < std::min(end, use.to == 0 ? forever : use.to);
    };
    if (root_ != nullptr) return overlaps(*root_);
    const auto is_ours = [&](const RootUse& use) {
      return satp::root_of(use.satp) == satp::root_of(regime_.satp) &&
             satp::mode_of(use.satp) == satp::mode_of(regime_.satp) &&
             (under == UnderAsid::any || (satp::asid_of(use.satp) & asid_mask_) == asid_);
    };
    if (overlaps(fences_.current())) return true;
    return std::ranges::any_of(fences_.past(),
                               [&](const RootUse& use) { return use.to != 0 && is_ours(use) && overlaps(use); });
  }

  /// Tries each value that the entry for the address in this table has had. `lower`: when the hart could first have
  /// come here; `change`: the first store on the way that was not fenced.
  void look(u64 table, u32 level, u64 lower, const EntryChange* change) {
    const u64 place = table + (address_ >> (12 + 9 * level) & 511) * 8;
    const std::optional<u64> value = read_(place);
    if (!value || budget_-- == 0) return;
    const EntryChange* newest = history_.newest(place);
    const u64 since = since_(place);
    const auto begin_after = [since](const EntryChange* store) {
      return store != nullptr ? std::max(store->tick, since) : since;
    };
    // What stands there now is stale only if the way here is.
    consider(*value, level, begin_after(newest), forever, lower, change);
    for (const EntryChange* gone = relevant(newest); gone != nullptr && gone->tick > since && !found_;) {
      const EntryChange* older = history_.before(*gone);
      consider(gone->old_value, level, begin_after(older), gone->tick, lower, change != nullptr ? change : gone);
      gone = relevant(older);
    }
  }

  /// From this change on back, the first whose old value the hart may hold: of what was there before it came here, or
  /// before its fence, only what is global.
  [[nodiscard]] const EntryChange* relevant(const EntryChange* change) const {
    if (change == nullptr || change->tick > bound_) return change;
    if (!change->took_global_leaf()) change = history_.global_before(*change);
    return change != nullptr && change->tick > fences_.last_for_globals() ? change : nullptr;
  }

  /// A value that stood in an entry from `begin` to `end`.
  void consider(u64 value, u32 level, u64 begin, u64 end, u64 lower, const EntryChange* change) {
    if (found_ || (value & entry::valid) == 0 || (value & entry::reserved) != 0) return;
    if (root_ != nullptr && begin >= root_->to) return;  // written when that root was no longer in use
    if ((value & entry::rights) != 0) return consider_leaf(value, level, begin, end, lower, change);
    if (level == 0 || !was_in_use(begin, end, std::max(lower, space_fence_), UnderAsid::same)) return;
    look(entry::frame_of(value), level - 1, std::max(lower, begin), change);
  }

  void consider_leaf(u64 leaf, u32 level, u64 begin, u64 end, u64 lower, const EntryChange* change) {
    if (change == nullptr && root_ == nullptr) return;  // the present translation itself
    const bool is_global = (leaf & entry::global) != 0;
    const u64 since = std::max(lower, fences_.last_for_leaf(address_, asid_, is_global));
    // A global entry may have been read by way of any root that shares the table, but one in the root only from there.
    if (end <= since || ((!is_global || level == top_) &&
                         !was_in_use(begin, end, since, is_global ? UnderAsid::any : UnderAsid::same))) {
      return;
    }
    const u64 offset_mask = (page_bytes << 9 * level) - 1;
    if ((entry::frame_of(leaf) & offset_mask) != 0 || !leaf_allows(leaf, kind_, regime_)) return;
    // Without D the hardware looks again before it stores.
    if (kind_ == AccessKind::store && (leaf & entry::dirty) == 0) return;
    const u64 physical = entry::frame_of(leaf) | (address_ & offset_mask);
    if (!now_.failure && now_.translation.physical_address == physical) return;
    found_ = {now_.failure ? StaleDifference::more_rights : StaleDifference::another_frame,
              leaf,
              static_cast<u8>(level),
              physical,
              change,
              root_};
  }

  static constexpr u64 forever = ~u64{0};

  const EntryHistory& history_;
  HartFences& fences_;
  u64 asid_mask_;
  Read read_;
  Since since_;
  u64 address_ = 0;
  AccessKind kind_{};
  Regime regime_;
  WalkResult now_;
  u64 asid_ = 0;
  u64 space_fence_ = 0;
  u64 bound_ = 0;  // what was replaced before counts only if it was global
  const RootUse* root_ = nullptr;
  u32 top_ = 0;  // the root's level
  u32 budget_ = 256;
  std::optional<StaleTranslation> found_;
};

}  // namespace vellum
