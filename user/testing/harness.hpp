// SPDX-License-Identifier: MIT
#pragma once
// The frame of systest and vmtest. A test is a function that runs in a child of its own and ends by returning; it
// fails through EXPECT. After each test the machine must be as it was: same free frames, same processes, same
// descriptors here. One line is printed for each test, and a last one "N passed, N failed".

#include <cstddef>
#include <cstdint>
#include <span>

#include "user/libc/user.hpp"

namespace testing {

struct Test {
  const char* name;
  void (*body)();
};

// What run_suite asks of the kernel after each test besides the balance.
enum class Invariants { unchecked, checked };

// Runs the tests named by the arguments (none: all; -l: lists the names; `core`: those of the first `core_groups`
// groups, which need only the core's calls). Each one runs in an empty directory.
// The program's exit status: 0 if all passed.
int run_suite(std::span<const std::span<const Test>> groups, std::size_t core_groups, Invariants invariants, int argc,
              char** argv);

// Ends the calling process, a test or a descendant of one, and makes the test fail for this reason.
__attribute__((noreturn)) void fail(const char* file, int line, const char* condition);
__attribute__((noreturn)) void fail_equal(const char* file, int line, const char* what, long is, long wanted);

#define EXPECT(condition)                                          \
  do {                                                             \
    if (const bool holds_ = static_cast<bool>(condition); !holds_) \
      ::testing::fail(__FILE_NAME__, __LINE__, #condition);        \
  } while (false)

// Says both values when they differ.
#define EXPECT_EQ(is, wanted)                                                              \
  do {                                                                                     \
    const long is_ = (long)(is), wanted_ = (long)(wanted);                                 \
    if (is_ != wanted_) ::testing::fail_equal(__FILE_NAME__, __LINE__, #is, is_, wanted_); \
  } while (false)

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

// What wait() reports of a process that was killed or broke a rule of memory.
inline constexpr int killed = -1;

int fork_or_fail();

// Runs `body` in a child and gives its exit status: 0 when it returned.
template <typename Body>
int status_of(Body body) {
  const int pid = fork_or_fail();
  if (pid == 0) {
    body();
    exit(0);
  }
  int status = 0;
  EXPECT_EQ(wait(&status), pid);
  return status;
}

// True if `body` gets its process killed.
template <typename Body>
bool is_killed(Body body) {
  return status_of([&] {
           body();
           exit(77);  // survived
         }) == killed;
}

// Starts `count` children which run body(i), without waiting.
template <typename Body>
void start_children(int count, Body body) {
  for (int i = 0; i < count; ++i) {
    if (fork_or_fail() == 0) {
      body(i);
      exit(0);
    }
  }
}

// Waits for `count` children which must all end with `wanted`.
void expect_children(int count, int wanted = 0);

template <typename Body>
void run_children(int count, Body body) {
  start_children(count, body);
  expect_children(count);
}

// Waits up to three seconds for every descendant to be gone and gives the free frames; for tests that compare
// frames in between.
std::uint64_t settled_free_frames(std::uint64_t wanted);

// Keeps the compiler from knowing or dropping a memory access.
inline void touch(void* at, char value) { *static_cast<volatile char*>(at) = value; }
inline char look(const void* at) { return *static_cast<const volatile char*>(at); }

// A file with these contents, made anew. Fails the test if it cannot be.
void make_file(const char* path, const void* contents, int bytes);
inline void make_file(const char* path) { make_file(path, "", 0); }

// A small generator; every run of a test sees the same numbers.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 33);
  }
  std::uint32_t below(std::uint32_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace testing
