// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. Copy-on-write: fork is a snapshot, and whoever writes pays for the copy and for nothing
// else.
#include <algorithm>
#include <vector>

#include "mm/address_space/kit.hpp"

namespace {

using namespace mm_test;

TEST_F(AddressSpaceTest, V5_ACopyByTheKernelBreaksSharing) {
  AddressSpace& parent = program();
  EXPECT_EQ(put(parent, page, 1), Outcome::done);
  AddressSpace* child = fork(parent);
  run(parent);
  const std::byte two{2};
  EXPECT_TRUE(parent.copy_out(VirtAddr(page), &two, 1).ok());
  EXPECT_EQ(at(*child, page), std::byte{1});
  EXPECT_EQ(at(parent, page), std::byte{2});
  EXPECT_EQ(events(VmEvent::fault_cow_copy), 1u);
}

TEST_F(AddressSpaceTest, V6_AChainOfForksIsPrivateAtEveryDepthInEveryOrder) {
  for (int order = 0; order < 6; ++order) {
    AddressSpace& first = program();
    EXPECT_EQ(put(first, page, 100), Outcome::done);
    std::vector<AddressSpace*> chain{&first};
    for (int depth = 1; depth < 8; ++depth) {
      run(*chain.back());
      chain.push_back(fork(*chain.back()));
      ASSERT_NE(chain.back(), nullptr);
    }
    std::vector<int> who{0, 1, 2, 3, 4, 5, 6, 7};
    for (int i = 0; i < order * 17; ++i) std::next_permutation(who.begin(), who.end());
    if (order == 5) std::reverse(who.begin(), who.end());
    for (const int w : who) EXPECT_EQ(put(*chain[static_cast<std::size_t>(w)], page, w), Outcome::done);
    for (const int w : who) EXPECT_EQ(at(*chain[static_cast<std::size_t>(w)], page), static_cast<std::byte>(w));
    check();
    while (!chain.empty()) end(chain.back()), chain.pop_back();
  }
}

TEST_F(AddressSpaceTest, V7_TheLastOwnerTakesThePageOverWithoutACopy) {
  AddressSpace& parent = program();
  EXPECT_EQ(put(parent, page, 1), Outcome::done);
  AddressSpace* child = fork(parent);
  EXPECT_EQ(put(*child, page, 2), Outcome::done);
  const u64 copies = events(VmEvent::fault_cow_copy);
  EXPECT_EQ(put(parent, page, 3), Outcome::done);
  EXPECT_EQ(events(VmEvent::fault_cow_copy), copies);
  EXPECT_GE(events(VmEvent::fault_cow_reuse), 1u);
  EXPECT_EQ(at(*child, page), std::byte{2});
}

TEST_F(AddressSpaceTest, V8_NoMemoryForACopyHurtsOnlyTheWriter) {
  AddressSpace& parent = program();
  EXPECT_EQ(put(parent, page, 1), Outcome::done);
  AddressSpace* child = fork(parent);
  run(*child);
  Machine::fail_all(true);
  EXPECT_EQ(machine_.store(page, std::byte{2}), Outcome::killed_no_memory);
  const std::byte three{3};
  EXPECT_EQ(child->copy_out(VirtAddr(page), &three, 1).end.error(), lib::Error::no_memory);
  Machine::fail_all(false);
  EXPECT_EQ(at(parent, page), std::byte{1});
  EXPECT_EQ(at(*child, page), std::byte{1});
  end(child);
  EXPECT_EQ(put(parent, page, 5), Outcome::done);
}

TEST_F(AddressSpaceTest, V9_ForkIsASnapshotWhateverTheTlbRemembers) {
  AddressSpace& parent = program(page, 40 * page);
  for (u64 i = 1; i < 40; ++i) EXPECT_EQ(put(parent, i * page, 1), Outcome::done);  // cached as writable
  run(parent, 2);
  for (u64 i = 1; i < 40; ++i) {
    std::byte value{};
    EXPECT_EQ(machine_.load(i * page, value), Outcome::done);  // cached on a second hart too
  }
  AddressSpace* child = fork(parent);
  for (u64 i = 1; i < 40; ++i) EXPECT_EQ(machine_.store(i * page, std::byte{2}), Outcome::done);
  run(parent, 0);  // the first hart owes a fence before it runs the space again
  for (u64 i = 1; i < 40; ++i) EXPECT_EQ(machine_.store(i * page + 1, std::byte{3}), Outcome::done);
  for (u64 i = 1; i < 40; ++i) EXPECT_EQ(at(*child, i * page), std::byte{1});
}

}  // namespace
