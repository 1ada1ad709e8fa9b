// SPDX-License-Identifier: MIT
#pragma once
// systest's groups of tests, one file each.

#include <span>

#include "user/testing/harness.hpp"

namespace systest {

std::span<const testing::Test> file_tests();
std::span<const testing::Test> directory_tests();
std::span<const testing::Test> race_tests();
std::span<const testing::Test> disk_tests();
std::span<const testing::Test> process_tests();
std::span<const testing::Test> exec_tests();
std::span<const testing::Test> pipe_tests();
std::span<const testing::Test> argument_tests();
std::span<const testing::Test> limit_tests();
std::span<const testing::Test> lab_tests();
std::span<const testing::Test> lab_misuse_tests();
std::span<const testing::Test> hostile_tests();
std::span<const testing::Test> exhaustion_tests();
std::span<const testing::Test> network_tests();

inline constexpr int page = static_cast<int>(abi::page_size);

using Mode = abi::OpenMode;
inline constexpr Mode create_write = Mode::create | Mode::write_only;
inline constexpr Mode create_both = Mode::create | Mode::read_write;

// Bytes that any test may use as it likes, in memory that exists from the start.
inline constexpr int buffer_size = 16 * 1024;
extern char buffer[buffer_size];

bool exists(const char* path);
std::int64_t size_of(const char* path);

// The number of bytes that can be read from `path`, through `buffer`.
int readable_bytes(const char* path);

// A letter and three digits: ShortName('a', 7) is "a007".
struct ShortName {
  ShortName(char letter, int number);
  operator const char*() const { return text; }
  char text[5];
};

// How many harts the machine has, and how many of them rwlktest() wants at the same time.
int hart_count();
inline constexpr int lock_test_harts = 4;

// Runs `body` in a child, without waiting for it.
template <typename Body>
int start(Body body) {
  const int pid = testing::fork_or_fail();
  if (pid == 0) {
    body();
    exit(0);
  }
  return pid;
}

// Kills a child that still runs and has no sibling that might end.
void kill_and_wait(int pid);

// How long a process on a hart that others use too may have to wait, in ticks: two seconds.
inline constexpr int longest_wait = 20;
// Sleeps tick by tick for a while; fails when once it was woken that late.
void expect_punctual_sleep(int ticks);

// Computes for so long, without a system call but the clock's.
void spin(int ticks);

// A handler for sigalarm() that counts and returns.
extern volatile int alarms;
void count_alarm();

}  // namespace systest
