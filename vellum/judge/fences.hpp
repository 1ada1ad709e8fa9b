// SPDX-License-Identifier: MIT
#pragma once
// What one hart has fenced, and which tables it has used: since when may it hold which translation?
//
// sfence.vma (privileged manual, 12.2.1): with neither register, everything; with an ASID, that space's entries but not
// global ones; with an address, leaf entries of that address only. Where memory for old facts runs out, a hart is taken
// to have fenced more than it did: the judge errs towards silence.

#include <algorithm>
#include <array>
#include <span>

#include "vellum/isa/privileged.hpp"

namespace vellum {

/// A stretch of time in which a hart's satp named one root.
struct RootUse {
  u64 satp = 0;
  u64 from = 0, to = 0;  // ticks; to: 0 while it lasts
  u64 left_at_pc = 0;  // the satp write that ended it
};

/// What of a hart's past matters to the space that its satp names now.
struct SpacePast {
  u64 satp = ~u64{0}, asid_mask = 0;
  u64 earliest = 0;  // since when it has been used, with no fence after
  bool has_other_roots = false;  // other tables were used under its ASID, with no fence after
};

class HartFences {
 public:
  static constexpr usize asids = usize{1} << 16;

  /// `by_asid` has a place for each ASID, all zero.
  explicit HartFences(std::span<u64> by_asid) : by_asid_(by_asid) {}
  HartFences() = default;

  void fence(u64 tick, bool has_address, u64 address, bool has_asid, u64 asid) {
    space_past_ = {};
    if (has_address) {
      note_page({address & page_mask, has_asid ? static_cast<u32>(asid & (asids - 1)) : every_asid, tick});
    } else if (has_asid) {
      by_asid_[asid & (asids - 1)] = tick;
    } else {
      everything_ = tick;
    }
  }

  void use_root(u64 tick, u64 satp, u64 pc) {
    if (current_.satp == satp) return;
    space_past_ = {};
    current_.to = tick;
    current_.left_at_pc = pc;
    // What is too old to be kept counts as fenced.
    RootUse& oldest = past_[next_past_++ % past_.size()];
    if (oldest.to != 0) {
      u64& fenced = by_asid_[satp::asid_of(oldest.satp)];
      fenced = std::max(fenced, oldest.to);
    }
    oldest = current_;
    current_ = {satp, tick, 0, 0};
  }

  [[nodiscard]] const RootUse& current() const { return current_; }
  [[nodiscard]] std::span<const RootUse> past() const { return past_; }

  /// Found once for each satp write or fence: translations are many.
  [[nodiscard]] const SpacePast& past_of(u64 satp, u64 asid_mask) {
    if (space_past_.satp == satp && space_past_.asid_mask == asid_mask) return space_past_;
    const u64 asid = satp::asid_of(satp) & asid_mask, fence = last_for_space(asid);
    space_past_ = {satp, asid_mask, current_.from, false};
    for (const RootUse& use : past_) {
      if (use.to <= fence) continue;
      if (use.satp == satp) {
        space_past_.earliest = std::min(space_past_.earliest, use.from);
      } else if ((satp::asid_of(use.satp) & asid_mask) == asid) {
        space_past_.has_other_roots = true;
      }
    }
    return space_past_;
  }

  /// The last fence after which no entry of any kind of this space can be old.
  [[nodiscard]] u64 last_for_space(u64 asid) const { return std::max(everything_, by_asid_[asid]); }
  /// The same for global entries.
  [[nodiscard]] u64 last_for_globals() const { return everything_; }
  /// ... for leaf entries of one address.
  [[nodiscard]] u64 last_for_leaf(u64 address, u64 asid, bool is_global) const {
    u64 last = is_global ? everything_ : last_for_space(asid);
    for (const PageFence& fence : pages_) {
      if (fence.page != (address & page_mask)) continue;
      if (fence.asid == every_asid || (!is_global && fence.asid == asid)) last = std::max(last, fence.tick);
    }
    return last;
  }

 private:
  static constexpr u32 every_asid = ~u32{0};
  struct PageFence {
    u64 page = ~u64{0};
    u32 asid = every_asid;
    u64 tick = 0;
  };

  void note_page(const PageFence& fence) {
    PageFence& oldest = pages_[next_page_++ % pages_.size()];
    everything_ = std::max(everything_, oldest.tick);
    oldest = fence;
  }

  std::span<u64> by_asid_;
  u64 everything_ = 0;
  RootUse current_;
  std::array<RootUse, 64> past_{};
  std::array<PageFence, 512> pages_{};
  SpacePast space_past_;
  u32 next_past_ = 0;
  u32 next_page_ = 0;
};

}  // namespace vellum
