// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. What exec builds and exit leaves: segments, the stack and its guard, a zombie.
#include "mm/address_space/kit.hpp"
#include "mm/fake_file.hpp"
#include "mm/space_list.hpp"
#include "sched/thread.hpp"

namespace {

using namespace mm_test;

TEST_F(AddressSpaceTest, V22_V23_SegmentsStayBelowTheFixedPagesAndDoNotOverlap) {
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* space = *AddressSpace::create(owner);
  spaces_.push_back({space, owner});
  const auto rw = Permissions::read_write();
  for (const u64 begin : {abi::trapframe - 4096, abi::trapframe, abi::trampoline, abi::usyscall,
                          AddressSpace::user_limit, abi::user_top, u64{1} << 40, ~u64{0} - 4095}) {
    EXPECT_FALSE(space->map_segment(VirtAddr(begin), page, rw)) << std::hex << begin;
  }
  EXPECT_FALSE(space->map_segment(VirtAddr(page), ~u64{0} - 8, rw));
  EXPECT_FALSE(space->map_segment(VirtAddr(AddressSpace::user_limit - page), 2 * page, rw));
  EXPECT_TRUE(space->map_segment(VirtAddr(4 * page), 0, rw)) << "nothing to map";
  ASSERT_TRUE(space->map_segment(VirtAddr(4 * page), 3 * page + 10, rw));
  EXPECT_FALSE(space->map_segment(VirtAddr(4 * page), page, rw));
  EXPECT_FALSE(space->map_segment(VirtAddr(5 * page), 9 * page, rw));
  EXPECT_FALSE(space->map_segment(VirtAddr(2 * page), 9 * page, rw));
  ASSERT_TRUE(space->map_segment(VirtAddr(12 * page), page, rw));
  EXPECT_FALSE(space->map_segment(VirtAddr(7 * page + 20), 6 * page, rw)) << "shares a page, but goes too far";
  ASSERT_TRUE(space->map_segment(VirtAddr(7 * page + 20), 3 * page, Permissions::read_execute())) << "shares a page";
  EXPECT_TRUE(space->logical_pte(VirtAddr(7 * page)).allows(Access::execute));
  EXPECT_TRUE(space->logical_pte(VirtAddr(7 * page)).allows(Access::write)) << "the common page has the rights of both";
  EXPECT_FALSE(space->logical_pte(VirtAddr(6 * page)).allows(Access::execute));
  EXPECT_FALSE(space->logical_pte(VirtAddr(8 * page)).allows(Access::write));
  EXPECT_TRUE(space->loaded_bytes(VirtAddr(0)).empty());
  EXPECT_TRUE(space->loaded_bytes(VirtAddr(abi::usyscall)).empty());
  EXPECT_EQ(space->loaded_bytes(VirtAddr(4 * page + 5)).size(), page - 5);
}

TEST_F(AddressSpaceTest, ACommonPageHasTheRightsOfBothSegments) {
  const Permissions all[] = {Permissions::read_only(), Permissions::read_write(), Permissions::read_execute(),
                             Permissions::execute_only(), Permissions::read_write_execute()};
  for (const Permissions first : all) {
    for (const Permissions second : all) {
      const SpaceOwner owner = *machine_.make_owner();
      AddressSpace* space = *AddressSpace::create(owner);
      spaces_.push_back({space, owner});
      ASSERT_TRUE(space->map_segment(VirtAddr(8 * page), page + 5, first));
      ASSERT_TRUE(space->map_segment(VirtAddr(9 * page + 100), 8, second)) << "all inside the common page";
      ASSERT_TRUE(space->map_segment(VirtAddr(page), page, first)) << "below what is there";
      EXPECT_EQ(space->program_break(), 9 * page + 108);
      const Pte common = space->logical_pte(VirtAddr(9 * page));
      EXPECT_EQ(common.allows(Access::write), first.allows(Access::write) || second.allows(Access::write));
      EXPECT_EQ(common.allows(Access::execute), first.allows(Access::execute) || second.allows(Access::execute));
      if (first.allows(Access::read) || second.allows(Access::read)) EXPECT_TRUE(common.allows(Access::read));
      EXPECT_EQ(space->logical_pte(VirtAddr(8 * page)).permissions(), first.user());
      check();
      end(space);
    }
  }
}

TEST_F(AddressSpaceTest, StacksAndSegmentsMeetTheirLimits) {
  AddressSpace& space = program();
  const auto rw = Permissions::read_write();
  EXPECT_FALSE(space.map_segment(VirtAddr(space.program_break() - page), 2 * page, rw)) << "over the stack";
  EXPECT_FALSE(space.map_stack(1, 0x7fffffff)) << "more than there are addresses";
  const u64 mapping = space.map_inaccessible(page)->value();
  ASSERT_TRUE(space.grow(mapping - space.program_break() - page, Growth::lazy));
  EXPECT_FALSE(space.map_stack(1, 1)) << "a mapping is in the way";
  EXPECT_TRUE(space.loaded_bytes(VirtAddr(space.program_break() - 1)).empty()) << "promised, not there";
  end(&space);
  // As many segments as the list holds.
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* many = *AddressSpace::create(owner);
  spaces_.push_back({many, owner});
  u64 at = 0;
  while (many->map_segment(VirtAddr(at), page, rw)) at += 2 * page;
  EXPECT_GT(at, 2 * 40 * page);
  EXPECT_EQ(many->map_segment(VirtAddr(at), page, rw).error(), lib::Error::too_big);
  ASSERT_TRUE(many->map_stack(1, 1));
  run(*many);
  while (many->map_inaccessible(page)) {
  }
  EXPECT_EQ(many->map_stack(1, 1).error(), lib::Error::too_big);
  EXPECT_FALSE(many->grow(page, Growth::lazy)) << "a heap would be one region more";
  EXPECT_FALSE(many->grow(page, Growth::eager));
}

TEST_F(AddressSpaceTest, AStackThatNeedsTablesIsAllOrNothing) {
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* space = *AddressSpace::create(owner);
  spaces_.push_back({space, owner});
  ASSERT_TRUE(space->map_segment(VirtAddr(0), mega, Permissions::read_write()));
  every_failure([&] { return space->map_stack(1, 2).has_value(); });
  EXPECT_EQ(space->program_break(), mega + 3 * page);
}

TEST_F(AddressSpaceTest, V24_TheGuardStopsTheProgramAndTheKernelsCopies) {
  AddressSpace& space = program();
  const u64 stack = space.program_break() - page, guard = stack - page;
  std::byte value{};
  EXPECT_EQ(put(space, stack, 1), Outcome::done);
  for (const u64 va : {guard, guard + page / 2, stack - 1}) {
    EXPECT_EQ(machine_.load(va, value), Outcome::killed_refused);
    EXPECT_EQ(put(space, va, 1), Outcome::killed_refused);
    EXPECT_EQ(space.copy_out(VirtAddr(va), &value, 1).end.error(), lib::Error::bad_address);
    EXPECT_EQ(space.copy_in(&value, VirtAddr(va), 1).end.error(), lib::Error::bad_address);
    char c;
    EXPECT_EQ(space.copy_in_string(&c, VirtAddr(va), 1).end.error(), lib::Error::bad_address);
  }
  EXPECT_TRUE(space.logical_pte(VirtAddr(guard)).is_valid());
  EXPECT_FALSE(space.logical_pte(VirtAddr(guard)).is_user());
  AddressSpace* child = fork(space);
  run(*child);
  EXPECT_EQ(machine_.load(guard, value), Outcome::killed_refused);
}

TEST_F(AddressSpaceTest, AZombieKeepsItsTablesOnly) {
  AddressSpace& space = program();
  FakeFile file(3 * page);
  const u64 before = frames().free_count();
  ASSERT_TRUE(space.grow(3 * mega, Growth::eager));
  const u64 shared = space.map_file(3 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  const u64 own = space.map_file(page, Permissions::read_write(), Sharing::private_copy, file, 0)->value();
  for (const u64 va : {shared, own}) EXPECT_EQ(put(space, va + 5, 9), Outcome::done);
  file.truth(0)[5] = std::byte{9};
  machine_.switch_to(nullptr);
  space.release_memory();
  EXPECT_LE(before - frames().free_count(), 16u) << "a few tables";
  EXPECT_EQ(file.cached_pages(), 0u);
  EXPECT_TRUE(file.matches_disk()) << "what was stored is written back";
  check();
  end(&space);
  EXPECT_EQ(file.holders(), 0u);
}

/// While it lives, give_way() notes what others would see.
struct Witness {
  Witness() { sched::others_run = look; }
  ~Witness() { sched::others_run = nullptr; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  static void look() {
    ++times;
    const u64 freed = total(VmEvent::table_freed);
    most_freed = std::max(most_freed, freed - last);
    last = freed;
    TextCollector text;
    EXPECT_EQ(check_all_spaces(text.sink()), 0u) << text.text;
  }
  static inline unsigned times = 0;
  static inline u64 last = 0, most_freed = 0;
};

TEST_F(AddressSpaceTest, TheTablesOfALargeProgramGoInPartsBetweenWhichAllIsSound) {
  AddressSpace& space = program();
  constexpr u64 gigabytes = 6;
  const u64 heap_begin = heap(space);
  ASSERT_TRUE(space.grow(gigabytes * gib, Growth::lazy));
  const u64 mapped = space.map_anonymous(gigabytes * gib, Permissions::read_write(), Sharing::private_copy)->value();
  for (u64 at = 0; at < gigabytes * gib; at += gib / 16) {
    EXPECT_EQ(put(space, heap_begin + at, 1), Outcome::done);
    EXPECT_EQ(put(space, mapped + at, 1), Outcome::done);
  }
  run(space);
  machine_.switch_to(nullptr);
  space.release_memory();
  Witness::last = total(VmEvent::table_freed);
  const Witness witness;
  end(&space);
  EXPECT_GE(Witness::times, 2 * gigabytes - 1);
  constexpr u64 in_a_gigabyte = 17 * (View::kind == abi::ViewKind::mirrored ? 2 : 1);  // with the one above
  EXPECT_LT(Witness::most_freed, 2 * in_a_gigabyte) << "two gigabytes' went in one go";
}

}  // namespace
