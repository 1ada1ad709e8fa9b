// The judge of missing fences, fed by hand: tables in a map, one hart, and what the privileged manual (12.2.1) says
// the hart may still hold. Each rule has a case where the fence is missing and its twin where it is there.

#include "vellum/judge/stale_translation.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace vellum {
namespace {

using enum AccessKind;

constexpr u64 rwx_user = entry::valid | entry::rights | entry::user | entry::accessed | entry::dirty;
constexpr u64 read_only = rwx_user & ~entry::writable;

constexpr u64 leaf(u64 frame, u64 bits = rwx_user) { return frame >> 12 << 10 | bits; }
constexpr u64 table(u64 frame) { return frame >> 12 << 10 | entry::valid; }
constexpr u64 satp_of(u64 root, u64 asid) { return satp::sv39 << 60 | asid << 44 | root >> 12; }

constexpr u64 root = 0x8010'0000, middle = 0x8011'0000, low = 0x8012'0000, frame_a = 0x8020'0000, frame_b = 0x8030'0000;
constexpr u64 address = 0x12'3000;  // index 0, 0, 0x123

class StaleTest : public ::testing::Test {
 protected:
  StaleTest() {
    store(root, table(middle));
    store(middle, table(low));
    store(low + 0x123 * 8, leaf(frame_a));
    use(satp_of(root, 1));
  }

  void store(u64 place, u64 value) {
    history_.note({.address = place,
                   .old_value = memory_[place],
                   .new_value = value,
                   .tick = ++tick_,
                   .by = {tick_, 0x80000000 + tick_, 0}});
    memory_[place] = value;
  }
  void use(u64 satp) {
    regime_.satp = satp;
    fences_.use_root(++tick_, satp, 0x80001234);
  }
  void fence() { fences_.fence(++tick_, false, 0, false, 0); }
  void fence_space(u64 asid) { fences_.fence(++tick_, false, 0, true, asid); }
  void fence_page(u64 page) { fences_.fence(++tick_, true, page, false, 0); }
  void fence_page(u64 page, u64 asid) { fences_.fence(++tick_, true, page, true, asid); }

  std::optional<u64> read(u64 place) {
    const auto found = memory_.find(place);
    return found == memory_.end() ? std::optional<u64>(0) : found->second;
  }
  struct Tables {
    StaleTest& test;
    std::optional<u64> read_entry(const WalkStep& step) { return test.read(step.entry_address); }
    bool update_entry(u64 place, u64 value) {
      test.memory_[place] = value;
      return true;
    }
  };

  std::optional<StaleTranslation> judge(AccessKind kind = load, u64 at = address, u64 asid_mask = 0xffff) {
    Tables tables{*this};
    const WalkResult now = walk(tables, at, kind, regime_, AccessedDirty::update);
    StaleSearch search(
        history_, fences_, asid_mask, [this](u64 place) { return read(place); },
        [this](u64 place) { return table_since_[place & page_mask]; });
    return search.run(at, kind, regime_, now);
  }

  u64 tick_ = 0;
  std::map<u64, u64> memory_;
  std::map<u64, u64> table_since_;
  std::vector<EntryChange> changes_{1024};
  std::vector<u64> buckets_ = std::vector<u64>(256);
  std::vector<u64> by_asid_ = std::vector<u64>(HartFences::asids);
  EntryHistory history_{changes_, buckets_};
  HartFences fences_{by_asid_};
  Regime regime_{.satp = 0, .privilege = Privilege::user};
};

TEST_F(StaleTest, NothingChangedNothingIsStale) { EXPECT_FALSE(judge()); }

TEST_F(StaleTest, AnotherFrameWithoutFence) {
  store(low + 0x123 * 8, leaf(frame_b));
  const auto found = judge();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->difference, StaleDifference::another_frame);
  EXPECT_EQ(found->physical_address, frame_a);
  ASSERT_NE(found->change, nullptr);
  EXPECT_EQ(found->change->address, low + 0x123 * 8);
  fence();
  EXPECT_FALSE(judge());
}

TEST_F(StaleTest, RightsThatWereTaken) {
  store(low + 0x123 * 8, leaf(frame_a, read_only));
  EXPECT_FALSE(judge(load)) << "the same frame, and reading is allowed either way";
  const auto found = judge(AccessKind::store);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->difference, StaleDifference::more_rights);
  fence_space(1);
  EXPECT_FALSE(judge(AccessKind::store));
}

TEST_F(StaleTest, AMappingThatIsGone) {
  store(low + 0x123 * 8, 0);
  ASSERT_TRUE(judge());
  fence_page(address, 1);
  EXPECT_FALSE(judge());
}

TEST_F(StaleTest, AbsenceAndFewerRightsCostAFaultOnly) {
  store(low + 0x124 * 8, leaf(frame_b));
  EXPECT_FALSE(judge(load, address + 4096));
  store(low + 0x123 * 8, leaf(frame_a, read_only));
  fence();
  store(low + 0x123 * 8, leaf(frame_a));
  EXPECT_FALSE(judge(AccessKind::store));
}

TEST_F(StaleTest, FencesForOthersDoNotHelp) {
  store(low + 0x123 * 8, leaf(frame_b));
  fence_page(address + 4096);
  fence_space(2);
  fence_page(address, 2);
  EXPECT_TRUE(judge());
  fence_page(address + 0xfff);
  EXPECT_FALSE(judge());
}

TEST_F(StaleTest, ANewSatpAloneRemovesNothing) {
  store(low + 0x123 * 8, leaf(frame_b));
  use(satp_of(0x8040'0000, 2));
  use(satp_of(root, 1));
  EXPECT_TRUE(judge());
}

TEST_F(StaleTest, WhatWasWrittenBeforeTheTablesWereUsedIsNotCached) {
  use(satp_of(0x8040'0000, 2));
  fence();
  store(low + 0x123 * 8, leaf(frame_b));
  use(satp_of(root, 1));
  EXPECT_FALSE(judge());
}

TEST_F(StaleTest, WhatStoodInTheRootWhileItWasSomethingElseIsNotCached) {
  // A root's page becomes a buffer, in which a path ("/e...") looks like a global gigapage, and then a root again.
  for (const u64 text : {u64{0x2f}, entry::global | leaf(0x4000'0000), leaf(0x4000'0000), table(low)}) {
    use(satp_of(0x8040'0000, 2));
    store(root, text);
    store(root, 0);
    store(root, table(middle));
    use(satp_of(root, 1));
    EXPECT_FALSE(judge()) << "the same number";
    use(satp_of(root, 3));
    EXPECT_FALSE(judge()) << "another number";
  }
}

TEST_F(StaleTest, AGlobalEntryInTheRootWhileItWasInUse) {
  store(root, leaf(0x4000'0000, rwx_user | entry::global));
  store(root, table(middle));
  use(satp_of(root, 3));
  ASSERT_TRUE(judge()) << "read under number 1, it stays under every other";
  EXPECT_EQ(judge()->physical_address, 0x4000'0000 + address);
  fence();
  EXPECT_FALSE(judge());
}

TEST_F(StaleTest, AFenceOfOneAddressDoesNotCoverATable) {
  const u64 other_low = 0x8013'0000;
  store(other_low + 0x123 * 8, leaf(frame_b));
  fence();
  store(middle, table(other_low));
  fence_page(address);
  const auto found = judge();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->change->address, middle);
  fence_space(1);
  EXPECT_FALSE(judge());
}

TEST_F(StaleTest, OneNumberForTwoTables) {
  const u64 root_2 = 0x8050'0000, middle_2 = 0x8051'0000, low_2 = 0x8052'0000;
  store(root_2, table(middle_2));
  store(middle_2, table(low_2));
  store(low_2 + 0x123 * 8, leaf(frame_b));
  fence();
  // The fence comes before satp: between the two the old tables may be read again.
  use(satp_of(root_2, 1));
  const auto found = judge();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->physical_address, frame_a);
  ASSERT_NE(found->root, nullptr);
  EXPECT_EQ(found->root->satp, satp_of(root, 1));
  fence_space(1);
  EXPECT_FALSE(judge());
}

TEST_F(StaleTest, AMachineWithoutAsids) {
  const u64 root_2 = 0x8050'0000;
  store(root_2, 0);
  fence();
  use(satp_of(root_2, 7));
  EXPECT_FALSE(judge());
  EXPECT_TRUE(judge(load, address, 0)) << "without ASIDs every space is the same one";
}

TEST_F(StaleTest, GlobalEntriesStayUnderEveryAsid) {
  store(low + 0x123 * 8, leaf(frame_a, rwx_user | entry::global));
  fence();
  store(low + 0x123 * 8, leaf(frame_b, rwx_user | entry::global));
  fence_space(1);
  EXPECT_TRUE(judge()) << "a fence with an ASID leaves global entries";
  fence_page(address, 1);
  EXPECT_TRUE(judge());
  fence();
  EXPECT_FALSE(judge());
}

TEST_F(StaleTest, AStoreNeedsTheDirtyBitInTheCopy) {
  store(low + 0x123 * 8, leaf(frame_a, rwx_user & ~entry::dirty));
  fence();
  store(low + 0x123 * 8, leaf(frame_a, read_only));
  EXPECT_FALSE(judge(AccessKind::store));
}

TEST_F(StaleTest, MisalignedAndReservedEntriesAreNothing) {
  store(middle + 8, leaf(frame_a + 4096));  // a megapage that is none
  fence();
  store(middle + 8, 0);
  EXPECT_FALSE(judge(load, 0x20'0000));
}

TEST_F(StaleTest, ACycleOfTablesEnds) {
  store(low + 0x123 * 8, table(root));
  store(middle, table(root));
  store(root, table(root));
  EXPECT_NO_FATAL_FAILURE((void)judge());
}

TEST_F(StaleTest, OldFactsThatWereForgottenErrTowardsSilence) {
  store(low + 0x123 * 8, leaf(frame_b));
  for (u64 i = 0; i < 600; ++i) fence_page(0x4000'0000 + i * 4096);
  EXPECT_FALSE(judge());
}

TEST(EntryHistory, KeepsTheNewestAndFindsOlderOnes) {
  std::vector<EntryChange> changes(4);
  std::vector<u64> buckets(2);
  EntryHistory history(changes, buckets);
  for (u64 i = 1; i <= 6; ++i) history.note({.address = 8 * (i % 2), .old_value = i, .tick = i, .by = {i, 0, 0}});
  const EntryChange* newest = history.newest(8);
  ASSERT_NE(newest, nullptr);
  EXPECT_EQ(newest->old_value, 5U);
  const EntryChange* older = history.before(*newest);
  ASSERT_NE(older, nullptr);
  EXPECT_EQ(older->old_value, 3U);
  EXPECT_EQ(history.before(*older), nullptr) << "the first one made room";
  history.forget_after_step(4);
  EXPECT_EQ(history.newest(8)->old_value, 3U);
  EXPECT_EQ(history.newest(0)->old_value, 4U);
}

}  // namespace
}  // namespace vellum
