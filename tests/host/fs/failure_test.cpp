// SPDX-License-Identifier: MIT
// A disk that fails (docs/failures.md D6, R6): the k-th request of a workload, for every k, once or from then on. The
// caller gets an error, nothing is held afterwards, and what is on the disk mounts again, clean, with every operation
// that had been acknowledged.
#include "fs/model.hpp"

namespace fs_test {
namespace {

std::vector<Operation> workload() {
  std::mt19937 random(77);
  std::vector<Operation> operations;
  for (int i = 0; i < 25; ++i) operations.push_back(Operation::random(random, 5000));
  return operations;
}

class FailureTest : public testing::TestWithParam<MemoryDisk::Failing> {};
INSTANTIATE_TEST_SUITE_P(Disk, FailureTest,
                         testing::Values(MemoryDisk::Failing::once, MemoryDisk::Failing::from_then_on),
                         [](const auto& info) {
                           return info.param == MemoryDisk::Failing::once ? "FailsOnce" : "StaysBroken";
                         });

TEST_P(FailureTest, EveryRequestInTurn) {
  const auto operations = workload();
  // 64 buffers on 1000 blocks: some reads come late, so that they fail inside operations.
  const mkfs::Plan plan{1000, 31, 200, abi::InodeLayout::single};
  for (u64 k = 1;; ++k) {
    SCOPED_TRACE("request " + std::to_string(k));
    Mounted volume(plan, 64);
    ASSERT_OK(volume.result());
    volume->cache().drop_all();
    Model acknowledged, possible;
    volume.disk().fail_at(k, GetParam());
    bool refused = false;
    for (const Operation& operation : operations) {
      const auto done = operation.apply(volume);
      const bool failed_now = !done && (done.error() == Error::io || done.error() == Error::read_only);
      if (failed_now) {
        // Perhaps it reached the disk all the same, perhaps half of it: open(O_CREATE) and write are two operations.
        refused = true;
        break;
      }
      ASSERT_EQ(done.has_value(), operation.apply(acknowledged)) << operation.describe();
    }
    const bool reached = volume.disk().has_failed();
    volume.disk().fail_at(0, GetParam());
    EXPECT_EQ(volume->inodes().referenced_count(), 0u);
    if (volume->is_read_only()) {
      EXPECT_ERROR(Error::read_only, volume.write("new", "x"));
      EXPECT_EQ(error_of(volume.read("/")), static_cast<Error>(~0u));
    } else {
      EXPECT_EQ(volume->cache().pinned_count(), 0u);
    }
    volume.remount();
    ASSERT_OK(volume.result()) << volume.result().error().field;
    const auto state = snapshot_of(volume);
    if (!refused) {
      EXPECT_EQ(state, acknowledged.snapshot());
    } else {
      // Everything acknowledged is there, whatever became of the last operation.
      const auto wanted = acknowledged.snapshot();
      usize different = 0;
      for (const auto& [path, text] : wanted) different += !state.contains(path) || state.at(path) != text;
      EXPECT_LE(different, 3u);  // the object itself, and the link counts of its directory or other name
    }
    expect_clean(volume);
    if (testing::Test::HasFailure()) return;
    if (!reached) {
      EXPECT_GT(k, 100u);
      return;
    }
  }
}

TEST_P(FailureTest, MountingFailsCleanly) {
  Mounted used(mkfs::Plan{1000, 31, 200, abi::InodeLayout::single});
  ASSERT_OK(used.write("f", std::string(9000, 'x')));
  const std::vector<std::byte> image(used.disk().bytes().begin(), used.disk().bytes().end());
  std::vector<u64> memory(64 * fs::BlockCache::bytes_per_buffer() / 8);
  for (u64 k = 1; k < 200; ++k) {
    MemoryDisk disk(image);
    disk.fail_at(k, GetParam());
    const auto volume = std::make_unique<fs::Volume>();
    const auto mounted = volume->mount(disk, std::as_writable_bytes(std::span(memory)));
    if (!disk.has_failed()) {
      EXPECT_TRUE(mounted);
      return;
    }
    disk.fail_at(0, GetParam());
    if (!mounted) EXPECT_NE(mounted.error().field, nullptr);
    // Whatever had been written by then, the image is as good as before.
    Mounted again(std::vector<std::byte>(disk.bytes().begin(), disk.bytes().end()), fs::LayoutChoice::single);
    ASSERT_OK(again.result());
    EXPECT_EQ(*again.read("f"), std::string(9000, 'x'));
    expect_clean(again);
  }
}

TEST(FailedCommit, NothingIsInstalledAndReadersSeeOneState) {
  Mounted volume(mkfs::Plan{1000, 31, 200, abi::InodeLayout::single});
  ASSERT_OK(volume.write("f", "old"));
  ASSERT_OK(volume->sync());
  const std::vector<std::byte> before(volume.disk().bytes().begin(), volume.disk().bytes().end());
  const u64 log_end = volume->geometry().inode_start;
  volume.disk().fail_at(2, MemoryDisk::Failing::from_then_on);
  EXPECT_ERROR(Error::io, volume.write("f", "new"));
  EXPECT_TRUE(volume->is_read_only());
  const auto now = volume.disk().bytes();
  EXPECT_TRUE(std::equal(now.begin() + static_cast<long>(log_end * 1024), now.end(),
                         before.begin() + static_cast<long>(log_end * 1024)));
  EXPECT_EQ(*volume.read("f"), "new");
  volume.disk().fail_at(0, MemoryDisk::Failing::once);
  EXPECT_ERROR(Error::read_only, volume->unlink({}, "f"));
  EXPECT_ERROR(Error::read_only, volume->sync());
  volume.remount();
  EXPECT_EQ(*volume.read("f"), "old");
}

}  // namespace
}  // namespace fs_test
