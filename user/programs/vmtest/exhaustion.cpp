// SPDX-License-Identifier: MIT
// No memory left: every call fails or works, nobody but the one who asks is hurt, and all comes back.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::status_of;
using testing::touch;

// execout: exec with 0 to 14 frames to spare starts or fails, in order.
void exec_with_little_memory() {
  for (int spare = 0; spare < 15; ++spare) {
    const int status = status_of([spare] {
      close(1);
      open("out", create_both);
      // Page by page at the end, so that the last ones can go back singly.
      const std::uint64_t pages = take_all_memory();
      if (static_cast<std::uint64_t>(spare) < pages) sbrk(-spare * page);
      static char name[] = "/echo";
      char* arguments[] = {name, nullptr};
      exec("/echo", arguments);
      exit(3);
    });
    EXPECT(status == 0 || status == 3 || status == testing::killed);
  }
  unlink("out");
}

void fork_without_memory() {
  EXPECT_EQ(status_of([] {
              take_all_memory();
              for (int i = 0; i < 20; ++i) {
                const int pid = fork();
                if (pid == 0) exit(0);
                if (pid > 0) wait(nullptr);
              }
              EXPECT(freeframes() <= 2);
            }),
            0);
}

void calls_without_memory() {
  EXPECT_EQ(status_of([] {
              static char text[64];
              touch(text, 1);
              const int fd = open("f", create_both);
              take_all_memory();
              int fds[2] = {-1, -1};
              if (pipe(fds) == 0) close(fds[0]), close(fds[1]);
              EXPECT_EQ(write(fd, text, 64), 64);
              mkdir("d");
              unlink("d");
              void* p = mmap(page, read_write, MapFlags::private_copy | MapFlags::anonymous, -1);
              if (p != mmap_failed) munmap(p, page);
              p = mmap(page, read_write, MapFlags::shared, fd);
              if (p != mmap_failed) munmap(p, page);
              const int again = dup(fd);
              EXPECT(again >= 0);
              sbrk(-10 * page);
              EXPECT(sbrk(page) != sbrk_failed);
            }),
            0);
  EXPECT_EQ(unlink("f"), 0);
}

// A copy into memory that was promised but is not there any more fails; the caller lives.
void copy_without_memory() {
  Hog hog;
  char* lazy = grow_lazily(64 * page);
  const int fd = open("/README", Mode::read_only);
  touch(lazy, 1);  // the tables exist
  hog.take();
  EXPECT_EQ(read(fd, lazy + 8 * page, 100), -1);
  int fds[2];
  if (pipe(fds) == 0) close(fds[0]), close(fds[1]);
  hog.release();
  EXPECT(read(fd, lazy + 8 * page, 100) == 100);
  close(fd);
}

// The first touch of a promised page when nothing is left ends the toucher, not its parent.
void touch_without_memory() {
  Hog hog;
  char* lazy = grow_lazily(64 * page);
  touch(lazy, 1);
  Gate ready, go;
  testing::start_children(1, [&](int) {
    ready.open();
    go.pass();
    touch(lazy + 5 * page, 1);
  });
  ready.pass();
  hog.take();
  go.open();
  testing::expect_children(1, testing::killed);
  hog.release();
  touch(lazy + 5 * page, 1);
}

// Two processes fight for the last frames: both come to an end, and all is there again.
void two_hogs() {
  const std::uint64_t frames = freeframes();
  for (int round = 0; round < 3; ++round) {
    testing::run_children(2, [](int) { take_all_memory(); });
    EXPECT_EQ(testing::settled_free_frames(frames), frames);
  }
}

// Free frames lie in several harts' caches; whoever asks gets the last of them.
void frames_of_other_harts() {
  abi::VmStat stat = counters();
  for (int hart = 0; hart < static_cast<int>(stat.harts); ++hart)
    EXPECT_EQ(status_of([hart] {
                EXPECT_EQ(cpupin(hart), 0);
                grow(200 * page);
              }),
              0);
  EXPECT_EQ(status_of([] {
              while (sbrk(page) != sbrk_failed) {
              }
              EXPECT_EQ(freeframes(), 0);
            }),
            0);
}

// What does not fit, be it by one page or by far, fails before it takes all memory, if only for a moment, from
// everybody else.
void greedy_requests_take_nothing() {
  constexpr std::uint64_t most_pages = 0x7fff'ffff / page;  // that sbrk can be asked for
  while (freeframes() >= most_pages) grow(1 << 30);
  const std::uint64_t free_pages = freeframes();
  const auto before = counters();
  // All that is free leaves nothing for the tables, so that is too much already.
  for (const std::uint64_t bytes : {free_pages * page, (free_pages + 1) * page, std::uint64_t{64} << 30})
    EXPECT(mmap(bytes, read_write, MapFlags::shared | MapFlags::anonymous, -1) == mmap_failed);
  for (const std::uint64_t pages : {free_pages, free_pages + 1, most_pages})
    EXPECT(sbrk(static_cast<int>(pages) * page) == sbrk_failed);
  EXPECT(gained(before, abi::VmEvent::frame_allocated) < 64);
}

}  // namespace

std::span<const testing::Test> exhaustion_tests() {
  static constexpr testing::Test tests[] = {
      {"exec_with_little_memory", exec_with_little_memory},
      {"fork_without_memory", fork_without_memory},
      {"calls_without_memory", calls_without_memory},
      {"copy_without_memory", copy_without_memory},
      {"touch_without_memory", touch_without_memory},
      {"two_hogs", two_hogs},
      {"frames_of_other_harts", frames_of_other_harts},
      {"greedy_requests_take_nothing", greedy_requests_take_nothing},
  };
  return tests;
}

}  // namespace vmtest
