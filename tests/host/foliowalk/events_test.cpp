// SPDX-License-Identifier: MIT
// What is told between two looks at a guest, in particular of what no look met.

#include "tools/foliowalk/events.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace foliowalk {
namespace {

Scene scene_with(std::initializer_list<int> pids, std::optional<i64> next_pid) {
  Scene scene;
  for (const int pid : pids) {
    Space& space = scene.spaces.emplace_back();
    space.id = std::to_string(pid);
    space.role = Role::process;
  }
  scene.next_pid = next_pid;
  return scene;
}

std::vector<std::string> texts(const Scene& before, const Scene& after) {
  std::vector<std::string> list;
  for (const Event& event : events_between(before, after)) list.push_back(event.text);
  return list;
}

TEST(Events, a_process_between_two_looks_is_told) {
  EXPECT_EQ(texts(scene_with({1, 2}, 3), scene_with({1, 2}, 4)),
            std::vector<std::string>{"3 came and went between two looks"});
}

TEST(Events, who_was_met_is_not_told_twice) {
  const auto list = texts(scene_with({1, 2, 3}, 4), scene_with({1, 2, 4}, 5));
  for (const std::string& text : list) EXPECT_EQ(text.find("came and went"), std::string::npos) << text;
  EXPECT_EQ(list.size(), 2U);  // 4 appears, 3 is gone
}

TEST(Events, a_burst_is_one_more_line) {
  const auto list = texts(scene_with({1, 2}, 3), scene_with({1, 2}, 103));
  ASSERT_EQ(list.size(), 21U);
  EXPECT_EQ(list.back(), "80 more came and went between two looks");
}

TEST(Events, nothing_is_presumed_without_the_kernels_count) {
  EXPECT_TRUE(texts(scene_with({1, 2}, std::nullopt), scene_with({1, 2}, 9)).empty());
  EXPECT_TRUE(texts(scene_with({1, 2}, 9), scene_with({1, 2}, 2)).empty()) << "the numbers began anew";
}

}  // namespace
}  // namespace foliowalk
