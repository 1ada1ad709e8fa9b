// SPDX-License-Identifier: MIT
// Random operations on a volume and on the oracle: the same answers, the same tree, a clean fsck, all over again after
// a remount. Small disks, so that space, inodes and the log run out on the way.
#include "fs/model.hpp"

namespace fs_test {
namespace {

struct Setting {
  const char* name;
  mkfs::Plan plan;
  u32 buffers;
  usize max_write;
};
constexpr Setting settings[] = {
    {"Single", {2000, 31, 200, abi::InodeLayout::single}, 256, 30000},
    {"SingleOldLog", {2000, 30, 200, abi::InodeLayout::single}, 64, 300000},
    {"Double", {9000, 30, 200, abi::InodeLayout::double_indirect}, 96, 600000},
    {"SmallestLog", {2000, 13, 200, abi::InodeLayout::double_indirect}, 64, 400000},
};

class ModelTest : public testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Setting, ModelTest, testing::ValuesIn(settings),
                         [](const auto& info) { return info.param.name; });

TEST_P(ModelTest, RandomOperationsAgree) {
  for (u32 seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Mounted volume(GetParam().plan, GetParam().buffers);
    ASSERT_OK(volume.result());
    Model model;
    int written = 0;
    for (int step = 0; step < 1500; ++step) {
      const Operation operation = Operation::random(random, GetParam().max_write);
      const auto done = operation.apply(volume);
      // A full disk is not the model's business: what the volume cannot hold is not asked of the model either, but
      // the prefix of such a write is there, so the state is taken over by starting anew.
      if (!done && (done.error() == Error::no_space || done.error() == Error::too_big)) {
        volume.remount();
        expect_clean(volume);
        volume = Mounted(GetParam().plan, GetParam().buffers);
        model = {};
        continue;
      }
      const bool expected = operation.apply(model);
      ASSERT_EQ(done.has_value(), expected)
          << step << ": " << operation.describe() << ": " << (done ? "done" : lib::describe(done.error()));
      written += expected;
      if (step % 50 != 0) continue;
      if (step % 100 == 0) volume.remount();
      ASSERT_EQ(snapshot_of(volume), model.snapshot()) << step;
      expect_clean(volume);
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(written, 100);
  }
}

}  // namespace
}  // namespace fs_test
