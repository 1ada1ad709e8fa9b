// SPDX-License-Identifier: MIT
#pragma once
// The judge of missing fences: could this hart have used an older entry here, and would it have made a difference?
//
// A hart may have read, by an access or by speculation, any entry that its satp led to, at any moment since the last
// fence that covers it, and may use it until the next (privileged manual, 12.2.1). So each old value of each entry on
// the way is tried, if it stood there after that fence while a table that led to it was in use. Those that would end at
// another frame, or allow what the tables now refuse, are findings. An old value that refuses what is allowed now costs
// a page fault, which kernels resolve by trying again: no finding.

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

/// The search for one access. `Read` gives the present value of an entry: std::optional<u64>(u64 physical address).
template <class Read>
class StaleSearch {
 public:
  StaleSearch(const EntryHistory& history, const HartFences& fences, u64 asid_mask, Read read)
      : history_(history), fences_(fences), asid_mask_(asid_mask), read_(read) {}

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
    root_from_ = earliest_use(regime.satp);
    look(satp::root_of(regime.satp), levels - 1, 0, nullptr);
    for (const RootUse& use : fences_.past()) {
      if (found_ || use.to <= space_fence_ || use.satp == regime.satp) continue;
      if ((satp::asid_of(use.satp) & asid_mask_) != asid_ || satp::mode_of(use.satp) != satp::mode_of(regime.satp))
        continue;
      root_ = &use;
      root_from_ = use.from;
      look(satp::root_of(use.satp), levels - 1, 0, nullptr);
    }
    return found_;
  }

 private:
  [[nodiscard]] u64 earliest_use(u64 satp) const {
    u64 from = fences_.current().from;
    for (const RootUse& use : fences_.past()) {
      if (use.satp == satp && use.to > space_fence_) from = std::min(from, use.from);
    }
    return from;
  }

  /// Tries each value that the entry for the address in this table has had. `lower`: when the hart could first have
  /// come here; `change`: the first store on the way that was not fenced.
  void look(u64 table, u32 level, u64 lower, const EntryChange* change) {
    const u64 place = table + (address_ >> (12 + 9 * level) & 511) * 8;
    const std::optional<u64> value = read_(place);
    if (!value || budget_-- == 0) return;
    const EntryChange* newest = history_.newest(place);
    // What stands there now is stale only if the way here is.
    consider(*value, level, newest != nullptr ? newest->tick : 0, forever, lower, change);
    while (newest != nullptr && !found_) {
      if (newest->tick <= std::min(space_fence_, fences_.last_for_globals())) return;
      const EntryChange* older = history_.before(*newest);
      consider(newest->old_value, level, older != nullptr ? older->tick : 0, newest->tick, lower,
               change != nullptr ? change : newest);
      newest = older;
    }
  }

  /// A value that stood in an entry from `begin` to `end`.
  void consider(u64 value, u32 level, u64 begin, u64 end, u64 lower, const EntryChange* change) {
    if (found_ || (value & entry::valid) == 0 || (value & entry::reserved) != 0) return;
    if (root_ != nullptr && begin >= root_->to) return;  // written when that root was no longer in use
    if ((value & entry::rights) != 0) return consider_leaf(value, level, end, lower, change);
    if (level == 0 || end <= std::max({lower, space_fence_, root_from_})) return;
    look(entry::frame_of(value), level - 1, std::max(lower, begin), change);
  }

  void consider_leaf(u64 leaf, u32 level, u64 end, u64 lower, const EntryChange* change) {
    if (change == nullptr && root_ == nullptr) return;  // the present translation itself
    const bool is_global = (leaf & entry::global) != 0;
    u64 since = std::max(lower, fences_.last_for_leaf(address_, asid_, is_global));
    if (!is_global) since = std::max(since, root_from_);
    if (end <= since) return;
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
  const HartFences& fences_;
  u64 asid_mask_;
  Read read_;
  u64 address_ = 0;
  AccessKind kind_{};
  Regime regime_;
  WalkResult now_;
  u64 asid_ = 0;
  u64 space_fence_ = 0;
  const RootUse* root_ = nullptr;
  u64 root_from_ = 0;
  u32 budget_ = 256;
  std::optional<StaleTranslation> found_;
};

}  // namespace vellum
