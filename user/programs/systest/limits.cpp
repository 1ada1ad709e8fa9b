// SPDX-License-Identifier: MIT
// Everything there is a limited number of: what happens at the limit, and that all of it comes back.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::make_file;

// Opens "/echo" until that fails; how often it worked.
int open_all() {
  int count = 0;
  while (count < 1000 && open("/echo", Mode::read_only) >= 0) ++count;
  return count;
}

void descriptors_of_a_process() {
  const int count = testing::status_of([] {
    const int opened = open_all();
    EXPECT_EQ(dup(0), -1);
    int fds[2];
    EXPECT_EQ(pipe(fds), -1);
    // With one free descriptor a pipe must fail and give it back.
    close(15);
    EXPECT_EQ(pipe(fds), -1);
    EXPECT_EQ(dup(0), 15);
    exit(opened);
  });
  // Three are the console's, one reports for this test.
  EXPECT(count > 0 && count <= static_cast<int>(abi::max_open_files) - 3);
  EXPECT_EQ(testing::status_of([] { exit(open_all()); }), count);
}

// Processes that each take all they can and keep it until all have; how many they got together.
int taken_by_processes(int processes, int (*take_all)()) {
  int ready[2], go[2];
  EXPECT_EQ(pipe(ready), 0);
  EXPECT_EQ(pipe(go), 0);
  testing::start_children(processes, [&](int) {
    close(go[1]);
    const unsigned char taken = static_cast<unsigned char>(take_all());
    EXPECT_EQ(write(ready[1], &taken, 1), 1);
    char c;
    read(go[0], &c, 1);
  });
  int total = 0;
  for (int i = 0; i < processes; ++i) {
    unsigned char taken = 0;
    EXPECT_EQ(read(ready[0], &taken, 1), 1);
    total += taken;
  }
  close(go[0]), close(go[1]);
  testing::expect_children(processes);
  close(ready[0]), close(ready[1]);
  return total;
}

// A19: the system's file table. Both times the same number, so none was lost.
void files_of_the_system() {
  const int first = taken_by_processes(30, open_all);
  EXPECT(first >= 80);
  EXPECT_EQ(taken_by_processes(30, open_all), first);
  make_file("after");
  EXPECT_EQ(unlink("after"), 0);
}

// A2: more distinct files than xv6 had inodes in memory.
void inodes_in_memory() {
  constexpr int processes = 5, each = 10;
  for (int i = 0; i < processes * each; ++i) make_file(ShortName('i', i), "x", 1);
  int ready[2], go[2];
  EXPECT_EQ(pipe(ready), 0);
  EXPECT_EQ(pipe(go), 0);
  testing::start_children(processes, [&](int who) {
    close(go[1]);
    close(ready[0]);
    int opened[each];
    for (int i = 0; i < each; ++i) opened[i] = open(ShortName('i', who * each + i), Mode::read_only);
    EXPECT_EQ(write(ready[1], "x", 1), 1);
    char c;
    read(go[0], &c, 1);
    for (const int fd : opened)
      if (fd >= 0) EXPECT_EQ(read(fd, &c, 1), 1);
  });
  char c;
  for (int i = 0; i < processes; ++i) EXPECT_EQ(read(ready[0], &c, 1), 1);
  close(go[0]), close(go[1]);
  testing::expect_children(processes);
  close(ready[0]), close(ready[1]);
  for (int i = 0; i < processes * each; ++i) EXPECT_EQ(unlink(ShortName('i', i)), 0);
}

// forktest
void processes_of_the_system() {
  int counts[2];
  for (int& count : counts) {
    count = 0;
    for (; count < 1000; ++count) {
      const int pid = fork();
      if (pid < 0) break;
      if (pid == 0) exit(0);
    }
    EXPECT(count > 10 && count < 1000);
    for (int i = 0; i < count; ++i) EXPECT(wait(nullptr) > 0);
    EXPECT_EQ(wait(nullptr), -1);
  }
  EXPECT_EQ(counts[0], counts[1]);
}

// Pipes until the machine has no more of whatever they need.
void pipes_of_the_system() {
  const auto make_pipes = [] {
    int made = 0;
    int fds[2];
    while (pipe(fds) == 0) ++made;
    return made;
  };
  constexpr int processes = 25;
  const int first = taken_by_processes(processes, make_pipes);
  EXPECT(first > 10);
  EXPECT_EQ(taken_by_processes(processes, make_pipes), first);
}

}  // namespace

std::span<const testing::Test> limit_tests() {
  static constexpr testing::Test tests[] = {
      {"descriptors_of_a_process", descriptors_of_a_process},
      {"files_of_the_system", files_of_the_system},
      {"inodes_in_memory", inodes_in_memory},
      {"processes_of_the_system", processes_of_the_system},
      {"pipes_of_the_system", pipes_of_the_system},
  };
  return tests;
}

}  // namespace systest
