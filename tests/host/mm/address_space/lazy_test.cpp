// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. Lazy memory appears when it is touched, by the program or by the kernel for it, and never
// in a space that was not named.
#include <algorithm>
#include <cstring>
#include <vector>

#include "mm/address_space/kit.hpp"

namespace {

using namespace mm_test;

TEST_F(AddressSpaceTest, V1_ForkAndExitSkipWhatWasNeverTouched) {
  AddressSpace& parent = program();
  const u64 begin = heap(parent);
  ASSERT_TRUE(parent.grow(gib, Growth::lazy));
  EXPECT_EQ(put(parent, begin + gib / 2, 7), Outcome::done);
  const u64 before = frames().free_count();
  AddressSpace* child = fork(parent);
  ASSERT_NE(child, nullptr);
  EXPECT_LE(before - frames().free_count(), 16u) << "a hole costs nothing";
  EXPECT_EQ(at(*child, begin + gib / 2), std::byte{7});
  EXPECT_EQ(at(*child, begin), std::byte{0});
}

TEST_F(AddressSpaceTest, V2_EveryCopyMakesLazyMemoryPresent) {
  AddressSpace& space = program();
  const u64 begin = heap(space);
  ASSERT_TRUE(space.grow(64 * page, Growth::lazy));
  std::vector<std::byte> data(3 * page, std::byte{0x5a});
  EXPECT_TRUE(space.copy_out(VirtAddr(begin + 100), data.data(), data.size()).ok());
  EXPECT_EQ(at(space, begin + 100 + 3 * page - 1), std::byte{0x5a});
  std::vector<std::byte> back(2 * page, std::byte{1});
  EXPECT_TRUE(space.copy_in(back.data(), VirtAddr(begin + 20 * page + 5), back.size()).ok());
  EXPECT_TRUE(std::all_of(back.begin(), back.end(), [](std::byte b) { return b == std::byte{0}; }));
  char text[16] = "xxxxxxxxxxxxxxx";
  const CopyResult string = space.copy_in_string(text, VirtAddr(begin + 40 * page), sizeof text);
  EXPECT_TRUE(string.ok());
  EXPECT_EQ(string.copied, 1u);
  u32 number = 0;
  const u32 written = 0x12345678;
  EXPECT_TRUE(space.copy_out(VirtAddr(begin + 50 * page - 2), &written, sizeof written).ok()) << "two absent pages";
  EXPECT_TRUE(space.copy_in(&number, VirtAddr(begin + 50 * page - 2), sizeof number).ok());
  EXPECT_EQ(number, 0x12345678u);
}

TEST_F(AddressSpaceTest, V3_TheSpaceThatIsNamedIsTheOneThatIsUsed) {
  AddressSpace& running = program();
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* other = *AddressSpace::create(owner);
  spaces_.push_back({other, owner});
  ASSERT_TRUE(other->map_segment(VirtAddr(0), 3 * page, Permissions::read_write()));
  ASSERT_TRUE(other->map_segment(VirtAddr(3 * page), page, Permissions::read_execute()));
  ASSERT_TRUE(other->map_stack(1, 1));
  ASSERT_TRUE(other->grow(page, Growth::lazy));
  run(running);
  const char text[] = "arguments";
  EXPECT_TRUE(other->copy_out(VirtAddr(2 * page - 4), text, sizeof text).ok()) << "exec copies into the new table";
  EXPECT_TRUE(other->copy_out(VirtAddr(other->program_break() - 8), text, 8).ok())
      << "a lazy page of a space that does not run";
  char back[16];
  EXPECT_TRUE(other->copy_in_string(back, VirtAddr(2 * page - 4), sizeof back).ok());
  EXPECT_STREQ(back, "arguments");
  std::memset(back, 0, sizeof back);
  EXPECT_TRUE(other->copy_in(back, VirtAddr(2 * page - 4), sizeof text).ok());
  EXPECT_STREQ(back, "arguments");
  EXPECT_EQ(other->copy_out(VirtAddr(3 * page), text, 1).end.error(), lib::Error::bad_address)
      << "code is not written to";
  EXPECT_NE(at(running, 4), std::byte{'a'});
  EXPECT_EQ(at(*other, 2 * page - 4), std::byte{'a'});
  EXPECT_EQ(at(*other, 2 * page), std::byte{'m'});
}

TEST_F(AddressSpaceTest, V4_AFailedFaultCostsNothingAndCanBeRepeated) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(16 * mega, Growth::lazy));
  u64 va = heap(space) - mega;
  for (int i = 0; i < 3; ++i, va -= 5 * mega) {
    every_failure([&] {
      const Outcome outcome = put(space, va, 9);
      EXPECT_NE(outcome, Outcome::killed_refused);
      return outcome == Outcome::done;
    });
  }
  EXPECT_GT(events(VmEvent::fault_out_of_memory), 0u);
}

}  // namespace
