// SPDX-License-Identifier: MIT
#include "model/tlb_model.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace model {

namespace {

constexpr std::uint64_t ppn_mask = (std::uint64_t{1} << 44) - 1;

std::uint64_t frame_of(std::uint64_t pte) { return ((pte >> 10) & ppn_mask) << 12; }

std::string text(const char* what, unsigned hart, std::uint64_t va, std::uint64_t cached, std::uint64_t now) {
  char line[200];
  std::snprintf(line, sizeof line, "%s: hart %u va 0x%llx cached pte 0x%llx, table now 0x%llx", what, hart,
                static_cast<unsigned long long>(va), static_cast<unsigned long long>(cached),
                static_cast<unsigned long long>(now));
  return line;
}

// Every right that a leaf can grant, as seen by one kind of access.
constexpr std::uint64_t rights = bit::r | bit::w | bit::x;

}  // namespace

TlbModel::TlbModel(const Arena& arena, IsFree is_free) : arena_(arena), is_free_(std::move(is_free)) {}

void TlbModel::activate(unsigned hart, std::uint64_t root, std::uint64_t asid) {
  on_satp(hart, root, asid);
  use(hart);
}

void TlbModel::on_satp(unsigned hart, std::uint64_t root, std::uint64_t asid) {
  harts_[hart].active = false;
  harts_[hart].root = root;
  harts_[hart].asid = asid;
}

void TlbModel::on_gap(unsigned hart, arch::host::Gap gap) {
  if (!in_gap || is_in_gap_) return;
  is_in_gap_ = true;
  in_gap(hart, gap);
  is_in_gap_ = false;
}

void TlbModel::deactivate(unsigned hart) { harts_[hart].active = false; }

Translation TlbModel::walk(const Hart& hart, std::uint64_t va) const {
  // A load by S-mode with SUM and MXR set meets the fewest objections: what is left is the shape of the walk.
  const Context anything{Privilege::supervisor, true, true};
  const auto read = [this](std::uint64_t address) { return arena_.word(address); };
  return translate(read, hart.root, va, AccessKind::load, anything);
}

void TlbModel::remember(Cache& cache, std::uint64_t va, const Translation& walk) {
  for (unsigned i = 0; i < walk.steps; ++i) {
    const Step& step = walk.step[i];
    const bool last = i + 1 == walk.steps;
    if (last && step.level == 0 && (step.pte & (bit::v | rights)) == bit::v) return;  // not an entry at all
    if (!last) {
      auto& tables = cache.tables[key(va, step.level)];
      if (std::find(tables.begin(), tables.end(), step.pte) == tables.end()) tables.push_back(step.pte);
      continue;
    }
    // An invalid entry above level 0 is remembered for the page only: the walk of that page is what was cached.
    const bool valid = (step.pte & bit::v) != 0;
    const unsigned level = valid ? step.level : 0;
    auto& leaves = cache.leaves[key(va, level)];
    const auto same = [&](const Leaf& leaf) { return leaf.pte == step.pte || (!valid && (leaf.pte & bit::v) == 0); };
    if (std::find_if(leaves.begin(), leaves.end(), same) == leaves.end()) leaves.push_back(Leaf{step.pte, level});
  }
}

Served TlbModel::access(unsigned hart_number, std::uint64_t va, AccessKind kind, const Context& context) {
  Hart& hart = harts_[hart_number];
  Cache& cache = hart.caches[hart.asid];
  const auto read = [this](std::uint64_t address) { return arena_.word(address); };
  const Translation now = translate(read, hart.root, va, kind, context);
  if (now.fault == FaultKind::non_canonical) return Served{now.fault, 0, false};

  for (unsigned level = 2; level >= 1; --level) {
    if (const auto found = cache.tables.find(key(va, level)); found != cache.tables.end()) {
      for (const std::uint64_t pte : found->second) judge_table(hart_number, va, level, pte);
    }
  }
  bool spurious = false;
  FaultKind spurious_kind = FaultKind::none;
  for (unsigned level = 0; level <= 2; ++level) {
    const auto found = cache.leaves.find(key(va, level));
    if (found == cache.leaves.end()) continue;
    for (const Leaf& leaf : found->second) {
      const FaultKind verdict = (leaf.pte & bit::v) == 0 ? FaultKind::invalid : leaf_verdict(leaf.pte, kind, context);
      if (verdict == FaultKind::none) {
        const std::uint64_t physical = frame_of(leaf.pte) + (va & (span_of(level) - 1));
        if (!now.ok() || now.physical != physical) {
          report(text("stale hit", hart_number, va, leaf.pte, now.steps ? now.last().pte : 0));
        }
      } else if (now.ok()) {
        spurious = true;
        spurious_kind = verdict;
      }
    }
  }
  remember(cache, va, now);
  if (spurious) return Served{spurious_kind, 0, true};
  return Served{now.fault, now.physical, false};
}

void TlbModel::speculate(unsigned hart_number, std::uint64_t va) {
  Hart& hart = harts_[hart_number];
  if (hart.root == 0 || !canonical(va)) return;
  if (is_free_(hart.root)) report(text("satp names a free frame", hart_number, va, 0, hart.root));
  remember(hart.caches[hart.asid], va, walk(hart, va));
}

void TlbModel::judge_leaf(unsigned hart_number, std::uint64_t va, const Leaf& leaf) {
  if ((leaf.pte & bit::v) == 0) return;  // costs a spurious fault at worst
  const Translation now = walk(harts_[hart_number], va);
  const std::uint64_t current = now.steps ? now.last().pte : 0;
  const bool mapped = now.ok() || now.fault == FaultKind::accessed_dirty || now.fault == FaultKind::permission;
  const std::uint64_t physical = frame_of(leaf.pte) + (va & (span_of(leaf.level) - 1));
  const std::uint64_t now_physical = mapped ? frame_of(current) + (va & (span_of(now.last().level) - 1)) : 0;
  const bool grants_more = (leaf.pte & rights & ~current) != 0;
  const bool grants_user = (leaf.pte & bit::u) != 0 && (current & bit::u) == 0;
  if ((leaf.pte & rights) == 0) return;
  if (!mapped || physical != now_physical || grants_more || grants_user) {
    report(text("stale entry left in the active space", hart_number, va, leaf.pte, current));
  }
}

void TlbModel::judge_table(unsigned hart_number, std::uint64_t va, unsigned level, std::uint64_t pte) {
  const Translation now = walk(harts_[hart_number], va);
  for (unsigned i = 0; i < now.steps; ++i) {
    if (now.step[i].level != level) continue;
    const std::uint64_t current = now.step[i].pte;
    const bool still_table = (current & bit::v) != 0 && (current & rights) == 0;
    if (still_table && frame_of(current) == frame_of(pte)) return;
    report(text("stale table", hart_number, va, pte, current));
    return;
  }
  report(text("stale table", hart_number, va, pte, now.steps ? now.last().pte : 0));
}

void TlbModel::judge_removed(unsigned hart_number, std::uint64_t va, std::uint64_t pte, unsigned level, bool is_table) {
  if ((pte & bit::v) == 0) return;
  const std::uint64_t frame = frame_of(pte) + (is_table ? 0 : (va & (span_of(level) - 1) & ~std::uint64_t{4095}));
  if (is_free_(frame)) {
    // The kernel's direct map shows free frames too, and rightly.
    if (!is_table && (pte & bit::u) == 0) {
      const Translation now = walk(harts_[hart_number], va);
      if (now.steps != 0 && now.last().pte == pte) return;
    }
    report(text(is_table ? "early free of a table" : "early free", hart_number, va, pte, 0));
  }
}

void TlbModel::check(unsigned hart_number) {
  Hart& hart = harts_[hart_number];
  if (!hart.active) return;
  const auto found = hart.caches.find(hart.asid);
  if (found == hart.caches.end()) return;
  for (const auto& [where, leaves] : found->second.leaves) {
    for (const Leaf& leaf : leaves) {
      judge_leaf(hart_number, address_of(where), leaf);
      judge_removed(hart_number, address_of(where), leaf.pte, leaf.level, false);
    }
  }
  for (const auto& [where, tables] : found->second.tables) {
    for (const std::uint64_t pte : tables) {
      judge_table(hart_number, address_of(where), where % 4, pte);
      judge_removed(hart_number, address_of(where), pte, where % 4, true);
    }
  }
}

void TlbModel::on_fence_page(unsigned hart_number, sv39::Asid asid, sv39::VirtAddr address) {
  Hart& hart = harts_[hart_number];
  ++hart.fences.page;
  const auto cache = hart.caches.find(static_cast<std::uint64_t>(asid));
  if (cache == hart.caches.end()) return;
  for (unsigned level = 0; level <= 2; ++level) {
    const auto found = cache->second.leaves.find(key(address.value(), level));
    if (found == cache->second.leaves.end()) continue;
    std::vector<Leaf> global;
    for (const Leaf& leaf : found->second) {
      if (hart.active && hart.asid == static_cast<std::uint64_t>(asid)) {
        judge_removed(hart_number, address.value(), leaf.pte, leaf.level, false);
      }
      if ((leaf.pte & bit::g) != 0) global.push_back(leaf);
    }
    if (global.empty()) {
      cache->second.leaves.erase(found);
    } else {
      found->second = std::move(global);
    }
  }
}

void TlbModel::on_fence_asid(unsigned hart_number, sv39::Asid asid) {
  Hart& hart = harts_[hart_number];
  ++hart.fences.asid;
  const auto cache = hart.caches.find(static_cast<std::uint64_t>(asid));
  if (cache == hart.caches.end()) return;
  const bool active = hart.active && hart.asid == static_cast<std::uint64_t>(asid);
  Cache kept;
  for (const auto& [where, leaves] : cache->second.leaves) {
    for (const Leaf& leaf : leaves) {
      if (active) judge_removed(hart_number, address_of(where), leaf.pte, leaf.level, false);
      if ((leaf.pte & bit::g) != 0) kept.leaves[where].push_back(leaf);
    }
  }
  if (active) {
    for (const auto& [where, tables] : cache->second.tables) {
      for (const std::uint64_t pte : tables) judge_removed(hart_number, address_of(where), pte, where % 4, true);
    }
  }
  cache->second = std::move(kept);
}

void TlbModel::on_fence_all(unsigned hart_number) {
  Hart& hart = harts_[hart_number];
  ++hart.fences.all;
  if (hart.active) {
    if (const auto cache = hart.caches.find(hart.asid); cache != hart.caches.end()) {
      for (const auto& [where, leaves] : cache->second.leaves) {
        for (const Leaf& leaf : leaves) judge_removed(hart_number, address_of(where), leaf.pte, leaf.level, false);
      }
      for (const auto& [where, tables] : cache->second.tables) {
        for (const std::uint64_t pte : tables) judge_removed(hart_number, address_of(where), pte, where % 4, true);
      }
    }
  }
  hart.caches.clear();
}

void TlbModel::on_fence_i(unsigned hart) { ++harts_[hart].fences.icache; }

void TlbModel::reset() {
  for (Hart& hart : harts_) hart = Hart{};
  violations_.clear();
}

std::size_t TlbModel::cached_entries(unsigned hart, std::uint64_t asid) const {
  const auto cache = harts_[hart].caches.find(asid);
  if (cache == harts_[hart].caches.end()) return 0;
  return cache->second.leaves.size() + cache->second.tables.size();
}

void TlbModel::report(std::string message) { violations_.push_back(std::move(message)); }

}  // namespace model
