// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. Addresses and lengths at every edge: of the mirror, of the program, of what a program may
// reach.
#include <vector>

#include "mm/address_space/kit.hpp"
#include "mm/fake_file.hpp"

namespace {

using namespace mm_test;

TEST_F(AddressSpaceTest, V15_TheEdgeOfTheMirrorIsNoEdgeForPrograms) {
  AddressSpace& space = program();
  constexpr u64 edge = 0xC000000;
  ASSERT_TRUE(space.grow(edge + 3 * page - space.program_break(), Growth::lazy));
  std::vector<std::byte> data(3 * page, std::byte{0x33}), back(3 * page);
  EXPECT_TRUE(space.copy_out(VirtAddr(edge - page - 7), data.data(), data.size()).ok());
  EXPECT_TRUE(space.copy_in(back.data(), VirtAddr(edge - page - 7), back.size()).ok());
  EXPECT_EQ(data, back);
  EXPECT_EQ(at(space, edge), std::byte{0x33});
  EXPECT_EQ(at(space, edge - 1), std::byte{0x33});
  // A string across the edge.
  std::byte text[4] = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}, std::byte{0}};
  EXPECT_TRUE(space.copy_out(VirtAddr(edge - 2), text, 4).ok());
  char string[8];
  const CopyResult result = space.copy_in_string(string, VirtAddr(edge - 2), sizeof string);
  EXPECT_TRUE(result.ok());
  EXPECT_STREQ(string, "abc");
  // From there on to the end of the mapped memory, and beyond.
  EXPECT_EQ(space.copy_in(back.data(), VirtAddr(edge + 2 * page), 3 * page).copied, page);
}

TEST_F(AddressSpaceTest, V20_V21_TheBoundaryLattice) {
  AddressSpace& space = program();
  FakeFile file(page);
  const u64 top = abi::user_top, brk = space.program_break();
  const u64 addresses[] = {0,
                           1,
                           page - 1,
                           page,
                           brk - 1,
                           brk,
                           brk + 1,
                           brk + page,
                           0xC000000,
                           0x80000000,
                           top - 4 * page,
                           top - 3 * page,
                           top - page,
                           top - 1,
                           top,
                           top + 1,
                           u64{1} << 39,
                           u64{1} << 40,
                           u64{1} << 63,
                           ~u64{0} - 4095,
                           ~u64{0} - 1,
                           ~u64{0},
                           0xeaeb0b5b00002f5e,
                           0xffffffff};
  std::vector<std::byte> buffer(64);
  const u64 before = frames().free_count();
  for (const u64 a : addresses) {
    for (const u64 n : addresses) {
      if (n == 0 || (a + n <= brk && a + n > a)) continue;
      EXPECT_FALSE(space.unmap(VirtAddr(a), n)) << std::hex << a << " " << n;
      if (n > 64) continue;
      const CopyResult in = space.copy_in(buffer.data(), VirtAddr(a), n);
      const CopyResult out = space.copy_out(VirtAddr(a), buffer.data(), n);
      EXPECT_LE(in.copied, n);
      EXPECT_LE(out.copied, n);
      if (a >= AddressSpace::user_limit) {
        EXPECT_EQ(in.copied, 0u) << "neither USYSCALL nor TRAPFRAME nor TRAMPOLINE, nor what lies above";
        EXPECT_EQ(out.copied, 0u);
      }
    }
    char string[8];
    if (a >= AddressSpace::user_limit)
      EXPECT_EQ(space.copy_in_string(string, VirtAddr(a), 8).end.error(), lib::Error::bad_address);
    EXPECT_TRUE(space.copy_in(buffer.data(), VirtAddr(a), 0).ok() || a >= AddressSpace::user_limit)
        << "nothing to copy";
    if (a >= AddressSpace::user_limit) {
      EXPECT_EQ(space.fault(VirtAddr(a), Access::write), FaultResult::refused);
      EXPECT_FALSE(space.page_in(VirtAddr(a), Access::read));
    }
    if (a >= top) EXPECT_FALSE(space.logical_pte(VirtAddr(a)).is_valid());
    EXPECT_EQ(space.take_accessed(VirtAddr(a), 0), 0u);
    (void)space.take_accessed(VirtAddr(a), 64);
    // Lengths as mmap and sbrk see them. What succeeds is taken back.
    if (auto at = space.map_anonymous(a, Permissions::read_write(), Sharing::private_copy)) {
      EXPECT_TRUE(a > 0 && a < top);
      EXPECT_TRUE(space.unmap(*at, a));
    }
    if (auto at = space.map_inaccessible(a)) EXPECT_TRUE(space.unmap(*at, a));
    if (auto at = space.map_file(a, Permissions::read_only(), Sharing::shared, file, 0))
      EXPECT_TRUE(space.unmap(*at, a));
    EXPECT_FALSE(space.map_file(page, Permissions::read_only(), Sharing::shared, file, a | 1)) << "unaligned offset";
    EXPECT_FALSE(space.map_file(~u64{0}, Permissions::read_only(), Sharing::shared, file, page));
    if (auto old = space.grow(a, Growth::lazy)) {
      EXPECT_EQ(*old, brk);
      ASSERT_EQ(space.program_break(), brk + a) << std::hex << a;
      space.shrink(a);
    }
    ASSERT_EQ(space.program_break(), brk);
  }
  EXPECT_EQ(file.holders(), 0u);
  EXPECT_LE(before - frames().free_count(), 8u) << "tables stay, memory does not";
}

TEST_F(AddressSpaceTest, AProgramMayReachTheGigabyteOfTheFixedPages) {
  AddressSpace& space = program();
  constexpr u64 high = abi::usyscall - 64 * mega;
  ASSERT_TRUE(space.grow(high + page - space.program_break(), Growth::lazy));
  EXPECT_EQ(put(space, high, 7), Outcome::done) << "in the table that also leads to the fixed pages";
  AddressSpace* child = fork(space);
  EXPECT_EQ(at(*child, high), std::byte{7});
  // The fixture demands every frame back, and none twice, when both end.
}

TEST_F(AddressSpaceTest, AProgramMaySpanManyGigabytes) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(9 * gib, Growth::lazy));
  for (const u64 va : {gib - page, gib, 3 * gib + 5, 8 * gib + mega}) EXPECT_EQ(put(space, va, 3), Outcome::done);
  AddressSpace* child = fork(space);
  for (const u64 va : {gib - page, gib, 3 * gib + 5, 8 * gib + mega}) EXPECT_EQ(at(*child, va), std::byte{3});
  run(space);
  space.shrink(6 * gib);
  EXPECT_EQ(put(space, 8 * gib, 1), Outcome::killed_refused);
}

TEST_F(AddressSpaceTest, V23_APageStaysFreeBetweenTheBreakAndTheMappings) {
  AddressSpace& space = program();
  const u64 room = AddressSpace::user_limit - heap(space);
  EXPECT_FALSE(space.map_inaccessible(room));
  EXPECT_TRUE(space.map_inaccessible(room - page));
}

}  // namespace
