// SPDX-License-Identifier: MIT
// The invariant checker at work: it stops the machine wherever the others happen to be, and must find nothing.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::status_of;
using testing::touch;

constexpr int rounds = 25;

__attribute__((noreturn)) void run_true() {
  char name[] = "/true";
  char* arguments[] = {name, nullptr};
  exec(name, arguments);
  exit(1);
}

// Forks, copy-on-write, the heap up and down, a program from the disk.
void work_with_memory() {
  for (int i = 0; i < rounds; ++i) {
    char* p = grow(megapage / 2 + 3 * page);
    mark_pages(p, 20, i);
    EXPECT_EQ(status_of([=] { mark_pages(p, 10, i + 1); }), 0);
    EXPECT(has_marks(p, 20, i));
    shrink(megapage / 2 + 3 * page);
    EXPECT_EQ(status_of(run_true), 0);
  }
}

// Address spaces come and go, as fast as they can.
void make_processes() {
  for (;;) {
    const int child = fork();
    if (child == 0) {
      sbrk(20 * page);
      run_true();
    }
    if (child > 0) wait(nullptr);
  }
}

// Pages of files: read at a fault, copied, written back when the last mapping goes. All of that sleeps half-way.
void work_with_files(int who) {
  char path[] = "file0";
  path[4] = static_cast<char>('0' + who);
  static char contents[4 * page];
  memset(contents, 'a' + who, sizeof(contents));
  for (int i = 0; i < rounds; ++i) {
    testing::make_file(path, contents, sizeof(contents));
    const int fd = open(path, Mode::read_write);
    EXPECT(fd >= 0);
    char* shared = static_cast<char*>(mmap(sizeof(contents), read_write, MapFlags::shared, fd));
    char* own = static_cast<char*>(mmap(sizeof(contents), read_write, MapFlags::private_copy, fd));
    EXPECT(shared != mmap_failed && own != mmap_failed);
    close(fd);
    for (int n = 0; n < 4; ++n) {
      touch(own + n * page, 'x');
      touch(shared + n * page, 'y');
    }
    EXPECT_EQ(unlink(path), 0);
    if (i % 2 == 0) EXPECT_EQ(munmap(shared, sizeof(contents)), 0);
    if (i % 2 != 0) exit(status_of([=] { EXPECT_EQ(munmap(own, sizeof(contents)), 0); }));
    EXPECT_EQ(munmap(own, sizeof(contents)), 0);
  }
}

// The checker reads every process's tables: the others must not change or free them meanwhile.
void checked_while_others_work() {
  constexpr int makers = 4, workers = 4, checkers = 6;
  int pids[makers];
  for (int& pid : pids) {
    pid = testing::fork_or_fail();
    if (pid == 0) make_processes();
  }
  testing::start_children(2, [](int) { work_with_memory(); });
  testing::start_children(2, [](int who) {
    for (int i = 0; i < rounds / 2; ++i) EXPECT_EQ(status_of([=] { work_with_files(who); }), 0);
  });
  // Those that check at the same time stop each other in turn: some once in a while, until the work is nearly done, the
  // others and this process without a pause.
  testing::start_children(checkers, [](int who) {
    for (int i = 0; i < (who < 2 ? rounds : 2 * rounds); ++i) {
      EXPECT_EQ(check(), 0);
      if (who < 2) sleep(1);
    }
  });
  for (int i = 0; i < 16 * rounds; ++i) EXPECT_EQ(check(), 0);
  testing::expect_children(workers + checkers);
  for (const int pid : pids) EXPECT_EQ(kill(pid), 0);
  testing::expect_children(makers, testing::killed);
}

}  // namespace

std::span<const testing::Test> checker_tests() {
  static constexpr testing::Test tests[] = {
      {"checked_while_others_work", checked_while_others_work},
  };
  return tests;
}

}  // namespace vmtest
