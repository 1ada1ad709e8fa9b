// SPDX-License-Identifier: MIT
// The way up a stack by frame pointers, on stacks that are as a compiler makes them, and on stacks that lie.

#include "report/callers.hpp"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

namespace {

using Told = std::vector<std::pair<u64, u32>>;

/// A stack: the saved pairs by their addresses.
class Stack {
 public:
  /// A frame with this frame pointer: returns to `return_address`, the caller's frame pointer is `above`.
  Stack& frame(u64 pointer, u64 return_address, u64 above) {
    pairs_[pointer - sizeof(report::SavedFrame)] = {above, return_address};
    return *this;
  }

  /// What is told from `first` on, at most `most` lines; and what was not told.
  std::pair<Told, u64> tell(u64 first, u64 frame_pointer, u64 lowest, usize most = 1000) const {
    const auto read = [this](u64 at) -> std::optional<report::SavedFrame> {
      const auto found = pairs_.find(at);
      if (found == pairs_.end()) return std::nullopt;
      return found->second;
    };
    report::Callers callers(read, frame_pointer, lowest);
    Told told;
    const u64 rest = report::tell_callers(callers, first, [&](u64 address, u32 times) {
      if (told.size() == most) return false;
      told.emplace_back(address, times);
      return true;
    });
    return {told, rest};
  }

 private:
  std::map<u64, report::SavedFrame> pairs_;
};

TEST(Callers, a_stack_is_told_from_the_inside_out) {
  const Stack stack = Stack().frame(0x1040, 0xA0, 0x1080).frame(0x1080, 0xB0, 0x10C0).frame(0x10C0, 0, 0);
  const auto [told, rest] = stack.tell(0x90, 0x1040, 0x1000);
  EXPECT_EQ(told, (Told{{0x90, 1}, {0xA0, 1}, {0xB0, 1}}));
  EXPECT_EQ(rest, 0U);
}

TEST(Callers, a_recursion_is_told_once_with_its_depth) {
  Stack stack;
  for (u64 at = 0x1000; at < 0x1500; at += 0x10) stack.frame(at, 0xA0, at + 0x10);
  stack.frame(0x1500, 0xB0, 0x1510);
  const auto [told, rest] = stack.tell(0xA0, 0x1000, 0xF00);
  EXPECT_EQ(told, (Told{{0xA0, 81}, {0xB0, 1}}));
  EXPECT_EQ(rest, 0U);
}

TEST(Callers, a_pointer_that_leads_down_or_to_itself_ends_the_way) {
  EXPECT_EQ(Stack().frame(0x1040, 0xA0, 0x1040).tell(0x90, 0x1040, 0x1000).first, (Told{{0x90, 1}, {0xA0, 1}}));
  const Stack down = Stack().frame(0x1040, 0xA0, 0x1020).frame(0x1020, 0xB0, 0x1040);
  EXPECT_EQ(down.tell(0x90, 0x1040, 0x1000).first, (Told{{0x90, 1}, {0xA0, 1}}));
}

TEST(Callers, a_pointer_that_is_no_frame_is_not_read) {
  const Stack stack = Stack().frame(0x1041, 0xA0, 0x1080).frame(0xFF0, 0xA0, 0x1080).frame(0x10, 0xA0, 0x1080);
  EXPECT_EQ(stack.tell(0x90, 0x1041, 0x1000).first, (Told{{0x90, 1}})) << "misaligned";
  EXPECT_EQ(stack.tell(0x90, 0xFF0, 0x1000).first, (Told{{0x90, 1}})) << "below the stack";
  EXPECT_EQ(stack.tell(0x90, 8, 0).first, (Told{{0x90, 1}})) << "no room for a pair below it";
  EXPECT_EQ(stack.tell(0x90, ~u64{7}, 0).first, (Told{{0x90, 1}})) << "nothing may be read there";
}

TEST(Callers, what_is_not_told_is_said) {
  const Stack stack = Stack().frame(0x1040, 0xA0, 0x1080).frame(0x1080, 0xB0, 0x10C0);
  const auto [told, rest] = stack.tell(0x90, 0x1040, 0x1000, 2);
  EXPECT_EQ(told, (Told{{0x90, 1}, {0xA0, 1}}));
  EXPECT_EQ(rest, 0xB0U);
}

TEST(Callers, an_endless_recursion_ends) {
  const auto read = [](u64 at) -> std::optional<report::SavedFrame> {
    return report::SavedFrame{.frame_pointer = at + 32, .return_address = 0xA0};
  };
  report::Callers callers(read, 0x1000, 0x1000);
  Told told;
  report::tell_callers(callers, 0xA0, [&](u64 address, u32 times) {
    told.emplace_back(address, times);
    return true;
  });
  EXPECT_EQ(told, (Told{{0xA0, 1024}}));
}

TEST(Callers, a_leaf_that_saved_only_its_callers_frame_pointer) {
  // Where others save their return address, it saved 0x1080, its caller's frame pointer.
  const auto read = [](u64 at) -> std::optional<report::SavedFrame> {
    if (at == 0x1030) return report::SavedFrame{.frame_pointer = 0xDEAD, .return_address = 0x1080};
    if (at == 0x1070) return report::SavedFrame{.frame_pointer = 0, .return_address = 0xB0};
    return std::nullopt;
  };
  report::Callers callers(read, 0x1040, 0x1000);
  EXPECT_EQ(callers.next(), 0x1080U);
  callers.leave_leaf();
  EXPECT_EQ(callers.next(), 0xB0U);
  EXPECT_EQ(callers.next(), 0U);
}

}  // namespace
