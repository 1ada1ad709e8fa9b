// What the meter's caches keep, replace and lose: each rule of the privileged manual's sfence.vma (12.2.1), and the
// least recently used one goes. By hand, on a small shape.

#include "vellum/meter/tlb.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace vellum {
namespace {

using enum AccessKind;
using Found = Tlb::Found;

constexpr TlbShape shape{.fetch = 2, .data = 2, .second = 8, .second_ways = 2};  // four sets
constexpr u64 page = 0x1000, megapage = 0x20'0000;

class TlbTest : public ::testing::Test {
 protected:
  void enter(AccessKind kind, u64 address, u64 asid = 1, u8 shift = 12, bool is_global = false) {
    const u64 begin = address >> shift << shift;
    tlb_.enter(kind, {begin, begin + 0x8000'0000, static_cast<u16>(asid), is_global, shift});
  }
  Found find(AccessKind kind, u64 address, u64 asid = 1) { return tlb_.find(kind, address, asid).found; }

  std::vector<TlbEntry> entries_{shape.entries()};
  Tlb tlb_{shape, entries_};
};

TEST_F(TlbTest, LeadsWhereItWasTold) {
  enter(load, 0x5123);
  const auto lookup = tlb_.find(load, 0x5fff, 1);
  ASSERT_NE(lookup.entry, nullptr);
  EXPECT_EQ(lookup.entry->target_of(0x5fff), 0x8000'5fffU);
  EXPECT_EQ(find(load, 0x6000), Found::nowhere);
  EXPECT_EQ(find(load, 0x4fff), Found::nowhere);
}

TEST_F(TlbTest, InstructionsAndDataMeetInTheSecond) {
  enter(fetch, page);
  EXPECT_EQ(find(load, page), Found::second);
  EXPECT_EQ(find(load, page), Found::first);  // it has moved up
  EXPECT_EQ(find(store, page), Found::first);
}

TEST_F(TlbTest, WhatWasUsedLongestAgoGoes) {
  enter(load, 1 * page);
  enter(load, 2 * page);
  EXPECT_EQ(find(load, 1 * page), Found::first);
  enter(load, 3 * page);
  EXPECT_EQ(find(load, 1 * page), Found::first);
  EXPECT_EQ(find(load, 2 * page), Found::second);
}

TEST_F(TlbTest, ASetOfTheSecondHoldsItsWays) {
  for (const u64 number : {0, 4, 8}) enter(load, number * page);  // all in set 0
  enter(load, 1 * page);
  enter(load, 2 * page);
  EXPECT_EQ(find(load, 0), Found::nowhere);
  EXPECT_EQ(find(load, 4 * page), Found::second);
  EXPECT_EQ(find(load, 8 * page), Found::second);
}

TEST_F(TlbTest, AMegapageIsOneTranslation) {
  enter(load, 3 * megapage + 5 * page, 1, 21);
  enter(load, page);
  enter(load, 2 * page);  // the first cache is full of others
  EXPECT_EQ(find(load, 3 * megapage), Found::second);
  EXPECT_EQ(find(load, 4 * megapage - 1), Found::first);
  EXPECT_EQ(find(load, 4 * megapage), Found::nowhere);
}

TEST_F(TlbTest, ASpaceSeesItsOwnAndTheGlobal) {
  enter(load, page, 1);
  enter(load, 2 * page, 1, 12, true);
  EXPECT_EQ(find(load, page, 2), Found::nowhere);
  EXPECT_EQ(find(load, 2 * page, 2), Found::first);
}

TEST_F(TlbTest, AFenceTakesWhatItNames) {
  const auto fill = [&] {
    tlb_.remove({});
    enter(load, page, 1);
    enter(load, 2 * page, 1, 12, true);
    enter(fetch, page, 2);
    enter(fetch, megapage + page, 1, 21);
  };
  const auto left = [&] {
    return std::vector{find(load, page, 1) != Found::nowhere, find(load, 2 * page, 1) != Found::nowhere,
                       find(fetch, page, 2) != Found::nowhere, find(fetch, megapage, 1) != Found::nowhere};
  };
  fill();
  EXPECT_EQ(left(), (std::vector{true, true, true, true}));
  tlb_.remove({});
  EXPECT_EQ(left(), (std::vector{false, false, false, false}));
  fill();
  tlb_.remove({.has_asid = true, .asid = 1});  // but for the global one
  EXPECT_EQ(left(), (std::vector{false, true, true, false}));
  fill();
  tlb_.remove({.has_address = true, .address = page + 5});  // in every space
  EXPECT_EQ(left(), (std::vector{false, true, false, true}));
  fill();
  tlb_.remove({.has_address = true, .address = 2 * page});  // the global one too
  EXPECT_EQ(left(), (std::vector{true, false, true, true}));
  fill();
  tlb_.remove({.has_address = true, .address = 2 * page, .has_asid = true, .asid = 1});  // but not for one space
  EXPECT_EQ(left(), (std::vector{true, true, true, true}));
  tlb_.remove({.has_address = true, .address = 2 * megapage - 1, .has_asid = true, .asid = 1});
  EXPECT_EQ(left(), (std::vector{true, true, true, false}));
}

}  // namespace
}  // namespace vellum
