// SPDX-License-Identifier: MIT
// The log of a machine that has gone quiet: when it is emptied, that it is then empty on the disk with every block
// home, that nothing is emptied under an operation's feet, and that a failing disk costs nothing that was acknowledged.
// Cuts of power during it are crash_test's.
#include "fs/kit.hpp"
#include "fs/log_watch.hpp"

namespace fs_test {
namespace {

constexpr u64 delay = 10;
constexpr u64 long_delay = 1000;

class LogRest : public testing::Test {
 protected:
  i32 count_on_disk() {
    abi::LogHeader header;
    std::memcpy(&header, volume.disk().bytes().data() + volume->geometry().log_start * abi::block_size, sizeof header);
    return header.count;
  }
  /// A write from the beginning of the file on that nobody has settled yet.
  void overwrite(fs::Inode& file, std::string_view text) {
    u64 offset = 0;
    fs::MemorySource source(std::as_bytes(std::span(text)));
    ASSERT_OK(file.write(source, offset, text.size()));
  }
  u64 look(u64 now) { return watch.look(volume->log(), now, delay, long_delay); }

  Mounted volume{mkfs::Plan{1000, 31, 200, abi::InodeLayout::single}};
  fs::LogWatch watch;
};

TEST_F(LogRest, EndsWithAnEmptyHeader) {
  EXPECT_EQ(look(0), fs::LogWatch::never);
  ASSERT_OK(volume.write("f", "text"));
  EXPECT_GT(count_on_disk(), 0);
  EXPECT_EQ(look(0), delay);
  EXPECT_EQ(look(9), delay);
  EXPECT_LE(look(10), 10u);
  volume->log().work_at_rest(watch.due_rest());
  EXPECT_EQ(count_on_disk(), 0);
  EXPECT_TRUE(volume.check().notes.empty());
  EXPECT_EQ(look(11), fs::LogWatch::never);
  EXPECT_EQ(*volume.read("f"), "text");
  volume.remount();
  EXPECT_EQ(*volume.read("f"), "text");
  expect_clean(volume);
}

TEST_F(LogRest, BeginsAnewWithEveryCommit) {
  ASSERT_OK(volume.write("f", "1"));
  EXPECT_EQ(look(0), delay);
  const u64 first = watch.due_rest();
  ASSERT_OK(volume.write("f", "2"));
  EXPECT_EQ(look(9), 9 + delay);
  volume->log().work_at_rest(first);  // too late: another rest has begun
  EXPECT_GT(count_on_disk(), 0);
  EXPECT_EQ(look(12), 9 + delay);
}

TEST_F(LogRest, LastsLongerAfterMuchWriting) {
  ASSERT_OK(volume.write("f", std::string(40 * abi::block_size, 'x')));  // more than the log holds
  EXPECT_EQ(look(0), long_delay);
  const auto file = volume->find({}, "f");
  overwrite(**file, "x");
  EXPECT_EQ(look(1), 1 + delay) << "what is not durable does not wait";
  volume->log().work_at_rest(watch.due_rest());
  EXPECT_EQ(look(20), 20 + long_delay);
  volume->log().work_at_rest(watch.due_rest());
  EXPECT_EQ(count_on_disk(), 0);
  ASSERT_OK(volume.write("g", "text"));
  EXPECT_EQ(look(30), 30 + delay);
}

TEST_F(LogRest, IsNoneWhileAnOperationRuns) {
  ASSERT_OK(volume.write("f", "1"));
  EXPECT_EQ(look(0), delay);
  const u64 before = watch.due_rest();
  {
    fs::Transaction transaction(volume->log(), 1);
    EXPECT_EQ(look(20), fs::LogWatch::never);
    volume->log().work_at_rest(before);
    EXPECT_GT(count_on_disk(), 0);
    EXPECT_OK(transaction.commit());
  }
  // It changed nothing, so the rest before it goes on.
  EXPECT_EQ(volume->log().rest(), before);
}

TEST_F(LogRest, CommitsAWriteThatNobodySettled) {
  ASSERT_OK(volume.write("f", ""));
  const auto file = volume->find({}, "f");
  u64 offset = 0;
  const auto append = [&] {
    fs::MemorySource source(std::as_bytes(std::span("x", 1)));
    ASSERT_OK((*file)->write(source, offset, 1));
  };
  append();
  (void)look(0);
  // A program that goes on writing does not put it off.
  for (u64 now = 1; now <= delay; ++now) {
    append();
    EXPECT_EQ(look(now), delay);
  }
  volume->log().work_at_rest(watch.due_rest());
  EXPECT_GT(count_on_disk(), 0);
  Mounted other(std::vector<std::byte>(volume.disk().bytes().begin(), volume.disk().bytes().end()));
  EXPECT_EQ(*other.read("f"), std::string(1 + delay, 'x'));
  EXPECT_EQ(look(delay), 2 * delay) << "then a rest begins in which the log is emptied";
  volume->log().work_at_rest(watch.due_rest());
  EXPECT_EQ(count_on_disk(), 0);
}

TEST_F(LogRest, ASettledWriteIsDurableAndTheNextIsNot) {
  ASSERT_OK(volume.write("f", "12345"));
  const u64 flushes = volume.disk().flushes();
  const auto file = volume->find({}, "f");
  overwrite(**file, "abc");
  EXPECT_EQ(volume.disk().flushes(), flushes);
  EXPECT_EQ(*volume.read("f"), "abc45");
  ASSERT_OK((*file)->settle());
  EXPECT_EQ(volume.disk().flushes(), flushes + 2);
  ASSERT_OK((*file)->settle());
  EXPECT_EQ(volume.disk().flushes(), flushes + 2);
}

TEST_F(LogRest, AWriteThatIsLostSaysSoWhenItIsSettled) {
  ASSERT_OK(volume.write("f", "old"));
  const auto file = volume->find({}, "f");
  overwrite(**file, "new");
  volume.disk().fail_at(1, MemoryDisk::Failing::from_then_on);
  EXPECT_ERROR(Error::io, (*file)->settle());
  EXPECT_TRUE(volume->is_read_only());
  EXPECT_EQ(*volume.read("f"), "new");
  volume.disk().fail_at(0, MemoryDisk::Failing::once);
  Mounted other(std::vector<std::byte>(volume.disk().bytes().begin(), volume.disk().bytes().end()));
  EXPECT_EQ(*other.read("f"), "old");
}

TEST_F(LogRest, AWriteThatAnotherOperationLostSaysSoToo) {
  ASSERT_OK(volume.write("f", "old"));
  const auto file = volume->find({}, "f");
  overwrite(**file, "new");
  volume.disk().fail_at(1, MemoryDisk::Failing::from_then_on);
  EXPECT_ERROR(Error::io, volume.write("other", "text")) << "it commits what was left open with its own";
  EXPECT_ERROR(Error::io, (*file)->settle());
  EXPECT_ERROR(Error::io, (*file)->settle()) << "whoever asks again hears the same";
}

TEST_F(LogRest, HomesAreDurableBeforeTheHeaderAndTheHeaderBeforeTheSlots) {
  volume.disk().record();
  ASSERT_OK(volume.write("f", "text"));
  const usize committed = volume.disk().event_count();
  const u64 flushes = volume.disk().flushes();
  const u64 writes = volume.disk().writes();
  volume->log().work_at_rest(volume->log().rest());
  EXPECT_EQ(volume.disk().flushes(), flushes + 2);
  EXPECT_EQ(volume.disk().writes(), writes + 1);
  ASSERT_OK(volume.write("f", "more"));
  for (std::mt19937 random(1); usize round : {0, 1, 2, 3, 4, 5, 6, 7}) {
    for (usize cut = committed; cut <= volume.disk().event_count(); ++cut) {
      Mounted after(volume.disk().after_cut(cut, random), fs::LayoutChoice::single);
      const auto text = after.read("f");
      ASSERT_TRUE(text && (*text == "text" || *text == "more")) << "round " << round << " cut " << cut;
      expect_clean(after);
    }
  }
}

TEST_F(LogRest, AFailingDiskMakesTheVolumeReadOnlyAndLosesNothing) {
  for (u64 request = 1; request <= 3; ++request) {  // flush, header, flush
    Mounted failing(mkfs::Plan{1000, 31, 200, abi::InodeLayout::single});
    ASSERT_OK(failing.write("f", "text"));
    failing.disk().fail_at(request, MemoryDisk::Failing::once);
    failing->log().work_at_rest(failing->log().rest());
    EXPECT_TRUE(failing.disk().has_failed());
    EXPECT_TRUE(failing->is_read_only());
    EXPECT_EQ(failing->log().rest(), 0u);
    EXPECT_ERROR(Error::read_only, failing.write("f", "more"));
    EXPECT_EQ(*failing.read("f"), "text");
    failing.remount();
    EXPECT_EQ(*failing.read("f"), "text");
    expect_clean(failing);
  }
}

}  // namespace
}  // namespace fs_test
