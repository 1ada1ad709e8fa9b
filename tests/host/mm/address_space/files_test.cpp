// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. Mappings of files, against a file that counts its pages and its holders and fails when
// told to.
#include "mm/address_space/kit.hpp"
#include "mm/fake_file.hpp"

namespace {

using namespace mm_test;

TEST_F(AddressSpaceTest, V26_V27_ACopyNeverSleepsForAFilePage) {
  FakeFile file(3 * page);
  AddressSpace& space = program();
  const u64 va = space.map_file(3 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  std::byte buffer[16] = {};
  EXPECT_EQ(space.copy_in(buffer, VirtAddr(va), 16).end.error(), lib::Error::needs_page_in);
  EXPECT_EQ(space.copy_out(VirtAddr(va), buffer, 16).end.error(), lib::Error::needs_page_in);
  char c;
  EXPECT_EQ(space.copy_in_string(&c, VirtAddr(va), 1).end.error(), lib::Error::needs_page_in);
  EXPECT_TRUE(space.page_in(VirtAddr(va), Access::read));
  EXPECT_TRUE(space.copy_in(buffer, VirtAddr(va), 16).ok());
  EXPECT_EQ(buffer[1], file.truth(0)[1]);
  EXPECT_TRUE(space.copy_out(VirtAddr(va), buffer, 16).ok()) << "read before, written now: no file work is needed";
  // Stops where the file page is missing, after what came before it.
  const u64 anonymous = space.map_anonymous(page, Permissions::read_write(), Sharing::private_copy)->value();
  ASSERT_EQ(anonymous + page, va);
  ASSERT_TRUE(space.unmap(VirtAddr(va), page));
  const u64 again = space.map_file(page, Permissions::read_write(), Sharing::shared, file, page)->value();
  ASSERT_EQ(again, va) << "the gap is used again";
  const CopyResult partial = space.copy_in(buffer, VirtAddr(va - 8), 16);
  EXPECT_EQ(partial.copied, 8u);
  EXPECT_EQ(partial.end.error(), lib::Error::needs_page_in);
  end(&space);
}

TEST_F(AddressSpaceTest, V29_SharedStoresReachTheFileOnceAndPrivateOnesNever) {
  FakeFile file(2 * page + 100);
  AddressSpace& space = program();
  const u64 above = space.map_anonymous(page, Permissions::read_write(), Sharing::private_copy)->value();
  const u64 shared = space.map_file(3 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  ASSERT_EQ(shared + 3 * page, above);
  ASSERT_TRUE(space.unmap(VirtAddr(above), page));
  const u64 priv = space.map_file(3 * page, Permissions::read_write(), Sharing::private_copy, file, 0)->value();
  EXPECT_EQ(at(space, priv + 5), file.truth(0)[5]);
  EXPECT_EQ(put(space, shared + 5, 0xaa), Outcome::done);
  EXPECT_EQ(at(space, priv + 5), std::byte{0xaa}) << "not yet copied: the file's page shows through";
  EXPECT_EQ(put(space, priv + 6, 0xbb), Outcome::done);
  EXPECT_EQ(put(space, shared + 5, 0xac), Outcome::done);
  EXPECT_EQ(at(space, priv + 5), std::byte{0xaa}) << "copied by the first store";
  EXPECT_NE(at(space, shared + 6), std::byte{0xbb});
  file.truth(0)[5] = std::byte{0xac};
  // The page that holds the end of the file is zero behind it; a page wholly beyond is not there.
  EXPECT_EQ(at(space, shared + 2 * page + 100), std::byte{0});
  EXPECT_EQ(put(space, shared + 2 * page + 200, 1), Outcome::done);
  std::byte value{};
  EXPECT_EQ(machine_.load(shared + 3 * page, value), Outcome::killed_refused);
  // The middle goes; the rest stays.
  EXPECT_TRUE(space.unmap(VirtAddr(shared + page), page));
  EXPECT_EQ(machine_.load(shared + page, value), Outcome::killed_refused);
  EXPECT_EQ(at(space, shared + 5), std::byte{0xac});
  AddressSpace* child = fork(space);
  end(&space);
  EXPECT_EQ(at(*child, shared + 5), std::byte{0xac});
  EXPECT_EQ(at(*child, priv + 6), std::byte{0xbb});
  end(child);
  EXPECT_EQ(file.holders(), 0u);
  EXPECT_EQ(file.cached_pages(), 0u);
  EXPECT_TRUE(file.matches_disk()) << "written back once, never past the end";
}

TEST_F(AddressSpaceTest, AFailedWriteBackKeepsTheMappingAndItsBytes) {
  FakeFile file(4 * page);
  AddressSpace& space = program();
  const u64 shared = space.map_file(4 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  for (u64 i = 0; i < 4; ++i) {
    EXPECT_EQ(put(space, shared + i * page, static_cast<int>(0x40 + i)), Outcome::done);
    file.truth(i)[0] = std::byte(0x40 + i);
  }
  file.fail_writes(true);
  // All of it, a part, and a part with what was never mapped around it.
  EXPECT_FALSE(space.unmap(VirtAddr(shared), 4 * page));
  EXPECT_FALSE(space.unmap(VirtAddr(shared + page), page));
  EXPECT_FALSE(space.unmap(VirtAddr(shared - page), 3 * page));
  for (u64 i = 0; i < 4; ++i) EXPECT_EQ(at(space, shared + i * page), std::byte(0x40 + i));
  // The page is still writable without a fault, and what is written then counts too.
  EXPECT_EQ(put(space, shared + 1, 0x77), Outcome::done);
  file.truth(0)[1] = std::byte{0x77};
  file.fail_writes(false);
  EXPECT_TRUE(space.unmap(VirtAddr(shared), 4 * page));
  end(&space);
  EXPECT_TRUE(file.matches_disk());
}

TEST_F(AddressSpaceTest, UnmappingOnePagesNeighboursLeavesItDirty) {
  FakeFile file(3 * page);
  AddressSpace& space = program();
  AddressSpace& other = program();
  const u64 ours = space.map_file(3 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  const u64 theirs = other.map_file(3 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  // The page in the middle is theirs alone, though it lies between ours.
  EXPECT_EQ(put(space, ours, 1), Outcome::done);
  EXPECT_EQ(put(space, ours + 2 * page, 3), Outcome::done);
  EXPECT_EQ(put(other, theirs + page, 2), Outcome::done);
  EXPECT_TRUE(space.unmap(VirtAddr(ours), 3 * page));
  EXPECT_EQ(put(other, theirs + page + 1, 4), Outcome::done) << "without a fault that would mark the page";
  file.truth(0)[0] = std::byte{1};
  file.truth(1)[0] = std::byte{2};
  file.truth(1)[1] = std::byte{4};
  file.truth(2)[0] = std::byte{3};
  end(&space);
  end(&other);
  EXPECT_TRUE(file.matches_disk());
}

TEST_F(AddressSpaceTest, FilePagesSurviveEveryFailureAndEveryReadError) {
  FakeFile file(4 * page);
  AddressSpace& space = program();
  const u64 shared = space.map_file(4 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  const u64 priv = space.map_file(4 * page, Permissions::read_write(), Sharing::private_copy, file, 0)->value();
  for (const u64 base : {shared, priv}) {
    for (u64 i = 0; i < 4; ++i) {
      Outcome outcome = Outcome::killed_no_memory;
      for (unsigned n = 1; outcome != Outcome::done; ++n) {
        ASSERT_LT(n, 20u);
        Machine::fail_at(n);
        outcome = put(space, base + i * page, 1);
        Machine::fail_at(0);
        EXPECT_NE(outcome, Outcome::killed_refused);
        check();
      }
      if (base == shared) file.truth(i)[0] = std::byte{1};
    }
  }
  ASSERT_TRUE(space.unmap(VirtAddr(shared), 4 * page));
  ASSERT_TRUE(space.unmap(VirtAddr(priv), 4 * page));
  const u64 again = space.map_file(4 * page, Permissions::read_only(), Sharing::private_copy, file, 0)->value();
  file.fail_read(1);
  std::byte value{};
  EXPECT_EQ(machine_.load(again, value), Outcome::killed_refused) << "a read error is no reason to go on";
  EXPECT_EQ(at(space, again), std::byte{1}) << "the next one works";
  EXPECT_EQ(put(space, again, 1), Outcome::killed_refused) << "read-only";
  ASSERT_TRUE(space.unmap(VirtAddr(again), 4 * page));
  EXPECT_TRUE(file.matches_disk());
}

TEST_F(AddressSpaceTest, AFilePageThatNeedsATableIsAllOrNothing) {
  AddressSpace& space = program();
  FakeFile file(page);
  ASSERT_TRUE(space.map_inaccessible(AddressSpace::user_limit % mega + mega));  // below are no tables yet
  const u64 at = space.map_file(page, Permissions::read_only(), Sharing::shared, file, 0)->value();
  every_failure([&] {
    std::byte value{};
    return machine_.load(at, value) == Outcome::done;
  });
  EXPECT_TRUE(space.unmap(VirtAddr(at), page));
  EXPECT_EQ(file.cached_pages(), 0u);
}

}  // namespace
