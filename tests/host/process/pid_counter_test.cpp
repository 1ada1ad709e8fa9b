// SPDX-License-Identifier: MIT
// Process numbers near the end of their range (A12).
#include "process/pid_counter.hpp"

#include <gtest/gtest.h>

#include <set>

namespace {

using process::max_pid;
using process::Pid;
using process::PidCounter;

TEST(PidCounter, CountsFromInit) {
  PidCounter counter;
  const auto never = [](Pid) { return false; };
  EXPECT_EQ(counter.take(never), Pid::init);
  EXPECT_EQ(counter.take(never), Pid{2});
  EXPECT_EQ(counter.take(never), Pid{3});
}

TEST(PidCounter, WrapsToTwoAndSkipsWhatIsInUse) {
  PidCounter counter(max_pid - 1);
  const std::set<i32> used{1, 2, 3, 5};
  const auto in_use = [&](Pid pid) { return used.contains(static_cast<i32>(pid)); };
  EXPECT_EQ(counter.take(in_use), Pid{max_pid - 1});
  EXPECT_EQ(counter.take(in_use), Pid{max_pid});
  EXPECT_EQ(counter.take(in_use), Pid{4});
  EXPECT_EQ(counter.take(in_use), Pid{6});
}

TEST(PidCounter, NeverGivesTwoAliveTheSameNumber) {
  PidCounter counter(max_pid - 100);
  std::set<i32> alive;
  for (int i = 0; i < 100'000; ++i) {
    const Pid pid = counter.take([&](Pid p) { return alive.contains(static_cast<i32>(p)); });
    ASSERT_GE(static_cast<i32>(pid), 2);
    ASSERT_TRUE(alive.insert(static_cast<i32>(pid)).second);
    if (alive.size() > 63) alive.erase(std::next(alive.begin(), i % 63));
  }
}

}  // namespace
