// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. Superpages: split, shared, given back in part, promoted; the counters show that they were
// there.
#include "mm/address_space/kit.hpp"

namespace {

using namespace mm_test;

TEST_F(AddressSpaceTest, V17_PartOfASuperpageCanBeGivenBackWithNoMemoryLeft) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
  ASSERT_TRUE(space.grow(2 * mega, Growth::eager));
  EXPECT_EQ(events(VmEvent::superpage_mapped), 2u) << "the test needs superpages";
  for (u64 va = mega; va < 3 * mega; va += page) EXPECT_EQ(put(space, va, static_cast<int>(va / page)), Outcome::done);
  AddressSpace* child = fork(space);
  EXPECT_EQ(events(VmEvent::superpage_shared), 2u);
  take_all_memory();
  Machine::fail_all(true);
  run(space);
  space.shrink(page);
  EXPECT_GE(events(VmEvent::superpage_split), 1u);
  EXPECT_GE(events(VmEvent::compound_converted), 1u);
  EXPECT_EQ(put(space, 3 * mega - page, 1), Outcome::killed_refused);
  // Copy-on-write of a shared superpage: no memory for the copy hurts nobody; the freed page is enough for one.
  EXPECT_EQ(put(space, mega, 99), Outcome::killed_no_memory);
  Machine::fail_all(false);
  give_memory_back();
  EXPECT_EQ(put(space, mega, 99), Outcome::done);
  for (u64 va = mega; va < 3 * mega; va += page) {
    ASSERT_EQ(at(*child, va), static_cast<std::byte>(va / page)) << std::hex << va;
    if (va != mega && va < 3 * mega - page) ASSERT_EQ(at(space, va), static_cast<std::byte>(va / page));
  }
  end(child);
  run(space);
  EXPECT_EQ(put(space, 2 * mega + 5, 1), Outcome::done);
}

TEST_F(AddressSpaceTest, V17_ASoleOwnerWritesASharedSuperpageWithoutCopyOrSplit) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
  ASSERT_TRUE(space.grow(mega, Growth::eager));
  EXPECT_EQ(put(space, mega, 1), Outcome::done);
  AddressSpace* child = fork(space);
  end(child);
  EXPECT_EQ(put(space, mega + 5, 2), Outcome::done);
  EXPECT_EQ(events(VmEvent::fault_cow_copy), 0u);
  EXPECT_EQ(events(VmEvent::superpage_split), 0u);
  EXPECT_EQ(figures_of(space).megapages, 1u);
}

TEST_F(AddressSpaceTest, V18_SplitAndPromotionLeaveNoOldTranslation) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
  ASSERT_TRUE(space.grow(mega, Growth::eager));
  for (const unsigned hart : {0u, 1u, 2u}) {
    run(space, hart);
    for (u64 va = mega; va < 2 * mega; va += 64 * page) EXPECT_EQ(machine_.store(va, std::byte{7}), Outcome::done);
  }
  space.shrink(3 * page);  // on hart 2: splits
  for (const unsigned hart : {2u, 0u, 1u}) {
    run(space, hart);
    EXPECT_EQ(machine_.store(2 * mega - page, std::byte{1}), Outcome::killed_refused);
    EXPECT_EQ(machine_.store(mega + 64 * page, std::byte{8}), Outcome::done);
  }
}

TEST_F(AddressSpaceTest, ARangeThatFillsUpBecomesASuperpage) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
  ASSERT_TRUE(space.grow(mega, Growth::lazy));
  EXPECT_EQ(put(space, mega, 1), Outcome::done);  // the table comes now ...
  space.shrink(mega);  // ... and stays
  ASSERT_TRUE(space.grow(mega, Growth::lazy));
  prepare_aligned_run();
  for (u64 va = mega; va < 2 * mega; va += page) EXPECT_EQ(put(space, va, static_cast<int>(va / page)), Outcome::done);
  give_memory_back();
  EXPECT_EQ(events(VmEvent::superpage_promoted), 1u);
  EXPECT_EQ(figures_of(space).megapages, 1u);
  for (u64 va = mega; va < 2 * mega; va += page) ASSERT_EQ(at(space, va), static_cast<std::byte>(va / page));
  AddressSpace* child = fork(space);
  EXPECT_EQ(put(space, mega, 1), Outcome::done);
  EXPECT_EQ(at(*child, mega), static_cast<std::byte>(mega / page));
}

TEST_F(AddressSpaceTest, AMappingThatFillsUpBecomesASuperpage) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.map_inaccessible(AddressSpace::user_limit % mega));  // aligns what follows
  const u64 begin = space.map_anonymous(mega, Permissions::read_write(), Sharing::private_copy)->value();
  EXPECT_EQ(put(space, begin, 3), Outcome::done);
  ASSERT_TRUE(space.unmap(VirtAddr(begin), mega));  // its table stays
  ASSERT_EQ(space.map_anonymous(mega, Permissions::read_write(), Sharing::private_copy)->value(), begin);
  prepare_aligned_run();
  for (u64 va = begin; va < begin + mega; va += page)
    EXPECT_EQ(put(space, va, static_cast<int>(va / page)), Outcome::done);
  give_memory_back();
  EXPECT_EQ(events(VmEvent::superpage_promoted), 1u) << "although most of its pages came ahead of their faults";
  for (u64 va = begin; va < begin + mega; va += page) ASSERT_EQ(at(space, va), static_cast<std::byte>(va / page));
}

TEST_F(AddressSpaceTest, PromotionStaysInsideOneRegion) {
  // Two mappings of 1 MiB that together fill 2 MiB: each keeps its own life.
  AddressSpace& space = program();
  const u64 gap = (AddressSpace::user_limit % mega);
  ASSERT_TRUE(space.map_anonymous(gap, Permissions::read_write(), Sharing::private_copy));  // align what follows
  const u64 upper = space.map_anonymous(mib, Permissions::read_write(), Sharing::private_copy)->value();
  const u64 lower = space.map_anonymous(mib, Permissions::read_write(), Sharing::private_copy)->value();
  ASSERT_EQ(lower % mega, 0u);
  ASSERT_EQ(upper, lower + mib);
  EXPECT_EQ(put(space, lower, 3), Outcome::done);
  ASSERT_TRUE(space.unmap(VirtAddr(lower), mib));  // its table stays
  ASSERT_EQ(space.map_anonymous(mib, Permissions::read_write(), Sharing::private_copy)->value(), lower);
  prepare_aligned_run();
  for (u64 va = lower; va < lower + mega; va += page) EXPECT_EQ(put(space, va, 3), Outcome::done);
  give_memory_back();
  EXPECT_EQ(events(VmEvent::superpage_promoted), 0u);
  check();
  AddressSpace* child = fork(space);
  ASSERT_NE(child, nullptr);
  check();
  run(space);
  EXPECT_TRUE(space.unmap(VirtAddr(upper), mib));
  EXPECT_EQ(at(*child, upper), std::byte{3});
  EXPECT_EQ(at(space, lower), std::byte{3});
}

}  // namespace
