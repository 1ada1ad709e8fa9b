// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. Sbrk: the rule of its three modes, the break inside a page, the last frame, the tables
// that stay.
#include "mm/address_space/kit.hpp"
#include "mm/fail_nth.hpp"

namespace {

using namespace mm_test;

TEST_F(AddressSpaceTest, TheSbrkRule) {
  AddressSpace& space = program();
  const u64 old = space.program_break();
  EXPECT_EQ(space.grow(0, Growth::eager), old);
  EXPECT_EQ(space.grow(100, Growth::eager), old);
  space.shrink(50);
  EXPECT_EQ(space.program_break(), old + 50);
  EXPECT_FALSE(space.grow(u64{1} << 63, Growth::eager));
  EXPECT_EQ(space.grow(gib, Growth::eager).error(), lib::Error::no_memory) << "eager: memory or failure";
  EXPECT_EQ(space.grow(18 * mib, Growth::eager_if_it_fits), old + 50);
  EXPECT_EQ(space.grow(15 * mib, Growth::eager_if_it_fits).error(), lib::Error::no_memory) << "small: failure";
  EXPECT_TRUE(space.grow(gib, Growth::eager_if_it_fits)) << "large: addresses";
  space.shrink(space.program_break());
  EXPECT_EQ(space.program_break(), 0u);
  std::byte value{};
  EXPECT_EQ(machine_.load(0, value), Outcome::killed_refused);
  EXPECT_TRUE(space.grow(page, Growth::eager));
  EXPECT_EQ(at(space, 0), std::byte{0});
}

TEST_F(AddressSpaceTest, TheBreakMovesInsideOnePage) {  // sbrkbugs, sbrklast
  AddressSpace& space = program();
  const u64 old = space.program_break();
  EXPECT_EQ(put(space, old - 1, 9), Outcome::done);
  space.shrink(10);
  EXPECT_EQ(at(space, old - 1), std::byte{9}) << "the page is still the program's";
  ASSERT_TRUE(space.grow(20, Growth::eager));
  EXPECT_EQ(put(space, old + 5, 1), Outcome::done);
  space.shrink(space.program_break() - 3500);
  EXPECT_EQ(space.program_break(), 3500u);
  ASSERT_TRUE(space.grow(page, Growth::lazy));
  EXPECT_EQ(put(space, page + 5, 1), Outcome::done) << "data again where there was data";
}

TEST_F(AddressSpaceTest, V23_LazySbrkStopsBelowTheFixedPagesAndBelowMappings) {
  AddressSpace& space = program();
  const u64 old = space.program_break();
  EXPECT_FALSE(space.grow(AddressSpace::user_limit - old + 1, Growth::lazy));
  ASSERT_TRUE(space.grow(AddressSpace::user_limit - old, Growth::lazy));
  EXPECT_EQ(put(space, AddressSpace::user_limit - 1, 5), Outcome::done);
  EXPECT_EQ(put(space, AddressSpace::user_limit, 5), Outcome::killed_refused);
  EXPECT_EQ(put(space, abi::usyscall, 5), Outcome::killed_refused);
  EXPECT_FALSE(space.map_anonymous(page, Permissions::read_write(), Sharing::private_copy)) << "no room is left";
  space.shrink(AddressSpace::user_limit - old);
  const u64 mapping = space.map_anonymous(page, Permissions::read_write(), Sharing::private_copy)->value();
  EXPECT_FALSE(space.grow(mapping + 1 - old, Growth::lazy));
  EXPECT_TRUE(space.grow(mapping - old, Growth::lazy));
}

TEST_F(AddressSpaceTest, PageByPageSbrkTakesTheLastFrame) {  // sysinfotest
  AddressSpace& space = program();
  while (space.grow(page, Growth::eager)) {
  }
  EXPECT_EQ(frames().free_count(), 0u);
}

TEST_F(AddressSpaceTest, PageByPageSbrkTakesTheLastFramesForTablesToo) {  // sysinfotest; COMMON: kept by the space
  for (u64 left = 0; left < 6; ++left) {
    AddressSpace& space = program();
    const u64 tables = events(VmEvent::table_allocated) - events(VmEvent::table_freed);
    ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
    take_all_memory();
    for (u64 i = 0; i < left; ++i) {
      frames().free(taken_.back());
      taken_.pop_back();
    }
    // The next page needs a table (in `mirrored` two) besides itself.
    u64 grown = 0;
    while (space.grow(page, Growth::eager)) ++grown;
    EXPECT_EQ(frames().free_count(), 0u) << left << " frames were left";
    EXPECT_LT(grown, left == 0 ? 1 : left);
    give_memory_back();
    // What was kept becomes the table.
    const u64 before = frames().free_count();
    ASSERT_TRUE(space.grow(page, Growth::eager));
    EXPECT_LE(before - frames().free_count(), 3u);
    end(&space);
    EXPECT_LE(events(VmEvent::table_allocated) - events(VmEvent::table_freed), tables);
  }
}

/// Another hart takes what is free at the moment when the page is asked for, behind its tables.
class RaceForTheLastFramesTest : public AddressSpaceTest {
 protected:
  void lose_the_race_at(unsigned allocation) {
    racer = this;
    asked = 0;
    lost_at = allocation;
    failure_hook.store([] {
      if (++asked != lost_at) return false;
      failure_hook.store(nullptr);
      racer->take_all_memory();
      return true;
    });
  }
  static inline RaceForTheLastFramesTest* racer = nullptr;
  static inline unsigned asked = 0, lost_at = 0;
};

TEST_F(RaceForTheLastFramesTest, TheTablesThatWereReservedAreKept) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
  // The next page needs a table, in `mirrored` two: the page is asked for last.
  const u64 before = frames().free_count();
  ASSERT_TRUE(space.grow(page, Growth::eager));
  const unsigned needed = static_cast<unsigned>(before - frames().free_count());
  AddressSpace& loser = program();
  ASSERT_TRUE(loser.grow(mega - loser.program_break(), Growth::eager));
  lose_the_race_at(needed);
  EXPECT_FALSE(loser.grow(page, Growth::eager));
  EXPECT_EQ(frames().free_count(), 0u) << "a program that takes pages until it fails has taken all";
  give_memory_back();
}

TEST_F(AddressSpaceTest, TablesStayWhenAProgramShrinks) {  // docs/xv6-contract.md 6, item 5
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(3 * mega, Growth::eager));
  space.shrink(3 * mega);
  const u64 before = frames().free_count();
  const u64 tables = events(VmEvent::table_allocated) - events(VmEvent::table_freed);
  ASSERT_TRUE(space.grow(3 * mega, Growth::eager));
  EXPECT_EQ(before - frames().free_count(), 3 * mega / page) << "the same memory again costs its pages only";
  EXPECT_EQ(events(VmEvent::table_allocated) - events(VmEvent::table_freed), tables);
}

}  // namespace
