// SPDX-License-Identifier: MIT
// Strategy: the TLB model must catch each kind of kernel mistake and stay silent about correct sequences, so every
// rule has one test that breaks it (a seeded violation) and one that keeps it. Tables are raw numbers.
#include "model/tlb_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace {

using namespace model;

constexpr std::uint64_t base = Arena::default_base;
constexpr std::uint64_t root = base, middle = base + 0x1000, bottom = base + 0x2000;
constexpr std::uint64_t frame_a = base + 0x8000, frame_b = base + 0x9000, mega = base + 0x200000;
constexpr std::uint64_t page = (std::uint64_t{3} << 30) | (std::uint64_t{4} << 21) | (std::uint64_t{5} << 12);
constexpr std::uint64_t rw = bit::v | bit::r | bit::w | bit::u | bit::a | bit::d;
constexpr std::uint64_t ro = bit::v | bit::r | bit::u | bit::a;
constexpr sv39::Asid asid{1}, other_asid{2};

constexpr std::uint64_t pte(std::uint64_t physical, std::uint64_t flags) { return ((physical >> 12) << 10) | flags; }

class Tlb : public ::testing::Test {
 protected:
  Tlb() : arena_(4 << 20), tlb_(arena_, [this](std::uint64_t frame) { return free_.contains(frame); }) {
    arena_.set_word(root + 8 * 3, pte(middle, bit::v));
    arena_.set_word(middle + 8 * 4, pte(bottom, bit::v));
    tlb_.activate(0, root, 1);
  }
  void leaf(std::uint64_t value) { arena_.set_word(bottom + 8 * 5, value); }
  void mega_leaf(std::uint64_t value) { arena_.set_word(middle + 8 * 4, value); }
  Served load() { return tlb_.access(0, page, AccessKind::load, {}); }
  Served store() { return tlb_.access(0, page, AccessKind::store, {}); }
  std::size_t violations() {
    const std::size_t count = tlb_.violations().size();
    tlb_.clear_violations();
    return count;
  }
  static sv39::VirtAddr at(std::uint64_t va) { return sv39::VirtAddr{va}; }

  Arena arena_;
  std::set<std::uint64_t> free_;
  TlbModel tlb_;
};

TEST_F(Tlb, ServesWhatTheTableSays) {
  leaf(pte(frame_a, rw));
  EXPECT_EQ(load().physical, frame_a);
  EXPECT_EQ(store().physical, frame_a);
  EXPECT_EQ(violations(), 0u);
}

TEST_F(Tlb, UnmapWithoutFenceIsAStaleHit) {
  leaf(pte(frame_a, rw));
  load();
  leaf(0);
  load();
  EXPECT_EQ(violations(), 1u);
  tlb_.check(0);
  EXPECT_GE(violations(), 1u);
  tlb_.on_fence_page(0, asid, at(page));
  EXPECT_EQ(load().fault, FaultKind::invalid);
  tlb_.check(0);
  EXPECT_EQ(violations(), 0u);
}

TEST_F(Tlb, DowngradeWithoutFenceIsAStaleHitOnlyForTheLostRight) {  // V9
  leaf(pte(frame_a, rw));
  store();
  leaf(pte(frame_a, ro));
  load();
  EXPECT_EQ(violations(), 0u);
  store();
  EXPECT_EQ(violations(), 1u);
}

TEST_F(Tlb, AnotherFrameWithoutFence) {
  leaf(pte(frame_a, ro));
  load();
  leaf(pte(frame_b, rw));
  load();
  EXPECT_EQ(violations(), 1u);
  tlb_.on_fence_asid(0, asid);
  EXPECT_EQ(load().physical, frame_b);
  EXPECT_EQ(violations(), 0u);
}

TEST_F(Tlb, InvalidEntriesAreCachedAndCostASpuriousFault) {  // V11
  EXPECT_EQ(load().fault, FaultKind::invalid);
  leaf(pte(frame_a, rw));
  EXPECT_TRUE(load().spurious);
  EXPECT_TRUE(load().spurious) << "until fenced";
  tlb_.on_fence_page(0, asid, at(page));
  EXPECT_EQ(load().physical, frame_a);
  EXPECT_EQ(violations(), 0u);
}

TEST_F(Tlb, UpgradeWithoutFenceCostsASpuriousFault) {
  leaf(pte(frame_a, ro));
  EXPECT_EQ(store().fault, FaultKind::permission);
  leaf(pte(frame_a, rw));
  EXPECT_TRUE(store().spurious);
  EXPECT_FALSE(load().spurious);
}

TEST_F(Tlb, FreeBeforeFence) {  // V10
  leaf(pte(frame_a, rw));
  load();
  leaf(0);
  free_.insert(frame_a);
  tlb_.on_fence_page(0, asid, at(page));
  EXPECT_EQ(violations(), 1u);
}

TEST_F(Tlb, FreeAfterFence) {
  leaf(pte(frame_a, rw));
  load();
  leaf(0);
  tlb_.on_fence_page(0, asid, at(page));
  free_.insert(frame_a);
  tlb_.check(0);
  EXPECT_EQ(violations(), 0u);
}

TEST_F(Tlb, FreeWithoutAnyFence) {
  leaf(pte(frame_a, rw));
  load();
  free_.insert(frame_a);
  tlb_.check(0);
  EXPECT_EQ(violations(), 1u);
}

TEST_F(Tlb, AnInactiveSpaceMayBeStaleButNotOnceItIsActive) {
  leaf(pte(frame_a, rw));
  load();
  tlb_.activate(0, root + 0x4000, 2);
  leaf(0);
  free_.insert(frame_a);
  tlb_.check(0);
  EXPECT_EQ(violations(), 0u);
  tlb_.activate(0, root, 1);  // switched in without the fence that it owes
  tlb_.check(0);
  EXPECT_GE(violations(), 1u);
  tlb_.activate(0, root + 0x4000, 2);
  tlb_.on_fence_asid(0, asid);  // before switching in: correct, and no early free
  tlb_.activate(0, root, 1);
  tlb_.check(0);
  EXPECT_EQ(violations(), 0u);
}

TEST_F(Tlb, FencesTouchTheirOwnHartAndAsidOnly) {
  leaf(pte(frame_a, rw));
  load();
  tlb_.on_fence_asid(0, other_asid);
  tlb_.on_fence_page(0, other_asid, at(page));
  tlb_.on_fence_asid(1, asid);
  tlb_.on_fence_page(0, asid, at(page + 4096));
  EXPECT_GT(tlb_.cached_entries(0, 1), 0u);
  leaf(0);
  load();
  EXPECT_EQ(violations(), 1u);
  tlb_.on_fence_all(0);
  EXPECT_EQ(tlb_.cached_entries(0, 1), 0u);
  EXPECT_EQ(tlb_.fences(0).page, 2u);
  EXPECT_EQ(tlb_.fences(0).asid, 1u);
  EXPECT_EQ(tlb_.fences(0).all, 1u);
  EXPECT_EQ(tlb_.fences(1).asid, 1u);
}

TEST_F(Tlb, APageFenceLeavesNonLeafEntries) {  // V18: promote and split need more than a page fence
  leaf(pte(frame_a, rw));
  load();
  mega_leaf(pte(mega, rw));  // the pointer to `bottom` became a superpage leaf
  tlb_.on_fence_page(0, asid, at(page));
  load();
  EXPECT_GE(violations(), 1u) << "the cached pointer still leads to the old table";
  tlb_.on_fence_asid(0, asid);
  EXPECT_EQ(load().physical, mega + 0x5000);
  EXPECT_EQ(violations(), 0u);
}

TEST_F(Tlb, SplitWithoutFenceThenUnmapOfOnePage) {  // V18
  mega_leaf(pte(mega, rw));
  load();
  mega_leaf(pte(bottom, bit::v));
  for (unsigned i = 0; i < 512; ++i) arena_.set_word(bottom + 8 * i, pte(mega + 4096 * i, rw));
  load();
  EXPECT_EQ(violations(), 0u) << "old and new agree";
  leaf(0);
  load();
  EXPECT_GE(violations(), 1u);
}

TEST_F(Tlb, EarlyFreeOfATable) {
  leaf(pte(frame_a, rw));
  load();
  mega_leaf(0);
  free_.insert(bottom);
  tlb_.on_fence_asid(0, asid);
  EXPECT_EQ(violations(), 1u);
}

TEST_F(Tlb, SpeculationCachesWithoutAnAccess) {
  leaf(pte(frame_a, rw));
  tlb_.speculate(0, page);
  leaf(0);
  load();
  EXPECT_EQ(violations(), 1u);
}

// A number passes from the program that runs (at `root`) to another, whose page is changed before it runs. Of the 24
// orders of {the entry stored, the number handed out, satp written, everything fenced}, with speculation before and
// after each step, those are right in which the fence comes after satp and after the entry.
TEST_F(Tlb, TheFenceComesLast) {
  enum Step { entry, hand_out, satp, fence };
  constexpr std::uint64_t other_root = base + 0x4000, other_middle = base + 0x5000, other_bottom = base + 0x6000;
  std::vector<Step> order{entry, hand_out, satp, fence};
  int right = 0;
  do {
    tlb_.reset();
    tlb_.activate(0, root, 1);
    leaf(pte(frame_a, rw));
    load();
    arena_.set_word(other_root + 8 * 3, pte(other_middle, bit::v));
    arena_.set_word(other_middle + 8 * 4, pte(other_bottom, bit::v));
    arena_.set_word(other_bottom + 8 * 5, pte(frame_a + 0x2000, rw));
    tlb_.deactivate(0);
    for (const Step step : order) {
      tlb_.speculate(0, page);
      switch (step) {
        case entry: arena_.set_word(other_bottom + 8 * 5, pte(frame_b, rw)); break;
        case hand_out: break;  // from here on the number means the other program: nothing in hardware
        case satp: tlb_.on_satp(0, other_root, 1); break;
        case fence: tlb_.on_fence_all(0); break;
      }
      tlb_.speculate(0, page);
    }
    tlb_.use(0);
    tlb_.check(0);
    const bool fence_is_last = order[3] == fence || (order[3] == hand_out && order[2] == fence);
    EXPECT_EQ(violations() == 0, fence_is_last);
    right += fence_is_last;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(right, 8);
}

TEST_F(Tlb, GlobalLeavesSurviveAnAsidFence) {
  leaf(pte(frame_a, rw | bit::g));
  load();
  tlb_.on_fence_asid(0, asid);
  leaf(0);
  load();
  EXPECT_EQ(violations(), 1u);
  tlb_.on_fence_all(0);
  load();
  EXPECT_EQ(violations(), 0u);
}

TEST_F(Tlb, ResetForgetsEverything) {
  leaf(pte(frame_a, rw));
  load();
  tlb_.reset();
  EXPECT_EQ(tlb_.cached_entries(0, 1), 0u);
  tlb_.activate(0, root, 1);
  leaf(0);
  load();
  EXPECT_EQ(violations(), 0u);
}

}  // namespace
