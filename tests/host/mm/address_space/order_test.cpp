// SPDX-License-Identifier: MIT
// Strategy: one short story in which programs come, move between harts, share, change and lose memory and end, told
// again and again. The first time the gaps between the kernel's steps are counted: around each fence, each write of
// satp, each store to a table, and everywhere in a switch. Then in the i-th telling every hart fetches, in gap i alone,
// the translation of every address of the story under its satp of that moment; and once it does so in all gaps. Each
// time every program must read what it wrote, and the TLB model must have nothing to say. With many, few and no ASIDs.
#include <gtest/gtest.h>

#include "mm/machine.hpp"

namespace {

using namespace mm_test;
using arch::host::Gap;

constexpr u64 page = 4096;
constexpr unsigned harts = 2;
constexpr unsigned every_gap = ~0U;

class Story {
 public:
  /// Speculates in gap number `chosen`, or in all of them.
  Story(u64 asid_mask, unsigned chosen) : machine_({.ram_bytes = u64{3} << 20, .asid_mask = asid_mask}) {
    for (const u64 va : addresses_) machine_.note_address(va);
    machine_.tlb().in_gap = [this, chosen](unsigned, Gap gap) {
      if (gap == Gap::other && !switching_) return;
      if (gaps_++ == chosen || chosen == every_gap) {
        for (unsigned hart = 0; hart < harts; ++hart) machine_.speculate(hart);
      }
    };
  }
  ~Story() {
    for (unsigned hart = 0; hart < harts; ++hart) switch_to(hart, nullptr);
  }

  [[nodiscard]] unsigned gaps() const { return gaps_; }
  [[nodiscard]] std::string complaints() { return machine_.complaints(); }

  void tell() {
    AddressSpace* a = program(0, 1);
    AddressSpace* b = program(1, 2);
    AddressSpace* c = program(0, 3);  // a waits
    store(1, *a, data, 1);  // a moves, b waits
    ASSERT_TRUE(a->grow(page, Growth::eager));
    store(1, *a, heap, 4);
    AddressSpace* child = *a->fork(owners_[next_owner()]);
    store(1, *a, heap, 5);  // shared until now
    expect(0, *child, heap, 4);
    store(0, *child, data, 6);
    expect(1, *a, data, 1);
    a->shrink(page);
    expect(1, *b, data, 2);
    expect(1, *a, data, 1);  // back on a hart that it changed its memory on, through another program
    expect(0, *c, data, 3);
    expect(0, *child, heap, 4);
    end_running(0, *child);
    AddressSpace* d = program(0, 7);  // from the frames of what has ended
    expect(0, *a, data, 1);
    expect(1, *d, data, 7);
    expect(1, *c, data, 3);
    expect(0, *b, data, 2);
    for (AddressSpace* space : {a, b, c, d}) {
      switch_to(0, nullptr), switch_to(1, nullptr);
      end(*space);
    }
  }

 private:
  static constexpr u64 data = page, heap = 4 * page;  // behind text, data, guard and stack
  static constexpr u64 addresses_[] = {0, data, 2 * page, 3 * page, heap};

  unsigned next_owner() {
    owners_.push_back(*machine_.make_owner());
    return static_cast<unsigned>(owners_.size() - 1);
  }
  void switch_to(unsigned hart, AddressSpace* space) {
    machine_.become_hart(hart);
    if (machine_.running(hart) == space && space != nullptr) return;
    switching_ = true;
    if (space != nullptr && machine_.running(1 - hart) == space) {
      machine_.become_hart(1 - hart);
      machine_.switch_to(nullptr);
      machine_.become_hart(hart);
    }
    machine_.switch_to(space);
    switching_ = false;
  }
  AddressSpace* program(unsigned hart, int value) {
    AddressSpace* space = *AddressSpace::create(owners_[next_owner()]);
    EXPECT_TRUE(space->map_segment(VirtAddr(0), page, Permissions::read_execute()));
    EXPECT_TRUE(space->map_segment(VirtAddr(data), page, Permissions::read_write()));
    EXPECT_TRUE(space->map_stack(1, 1));
    store(hart, *space, data, value);
    return space;
  }
  void store(unsigned hart, AddressSpace& space, u64 va, int value) {
    switch_to(hart, &space);
    EXPECT_EQ(machine_.store(va, static_cast<std::byte>(value)), Outcome::done);
  }
  void expect(unsigned hart, AddressSpace& space, u64 va, int value) {
    switch_to(hart, &space);
    std::byte found{};
    EXPECT_EQ(machine_.load(va, found), Outcome::done);
    EXPECT_EQ(static_cast<int>(found), value);
  }
  void end(AddressSpace& space) {
    const SpaceOwner owner = space.owner();
    AddressSpace::destroy(&space);
    machine_.free_owner(owner);
    machine_.check_tlbs();
  }
  /// As exit and wait do it: its memory goes while its table is still in use, its tables when nobody runs on them.
  void end_running(unsigned hart, AddressSpace& space) {
    switch_to(hart, &space);
    machine_.end_program();
    switch_to(hart, nullptr);
    end(space);
  }

  Machine machine_;
  std::vector<SpaceOwner> owners_;
  unsigned gaps_ = 0;
  bool switching_ = false;
};

class OrderTest : public ::testing::TestWithParam<u64> {};

TEST_P(OrderTest, HardwareMaySpeculateBetweenAnyTwoSteps) {
  unsigned gaps = 0;
  {
    Story story(GetParam(), every_gap);
    story.tell();
    ASSERT_EQ(story.complaints(), "") << "in all gaps";
    gaps = story.gaps();
  }
  EXPECT_GT(gaps, 100u) << "the story has become short";
  for (unsigned gap = 0; gap < gaps && !HasFailure(); ++gap) {
    Story story(GetParam(), gap);
    story.tell();
    EXPECT_EQ(story.complaints(), "") << "in gap " << gap << " of " << gaps;
  }
}

// Numbers 1 to the mask are handed out: none, one, three, and more than the story has programs.
INSTANTIATE_TEST_SUITE_P(Asids, OrderTest, ::testing::Values(0, 1, 3, 0xffff),
                         [](const auto& info) { return "highest_" + std::to_string(info.param); });

}  // namespace
