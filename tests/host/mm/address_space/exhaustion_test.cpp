// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. Nothing left, frames or regions: every operation fails cleanly, and no byte goes from one
// program to another.
#include <vector>

#include "mm/address_space/kit.hpp"

namespace {

using namespace mm_test;

TEST_F(AddressSpaceTest, EveryOperationFailsCleanlyAtEveryAllocation) {
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* space = nullptr;
  every_failure([&] {
    auto made = AddressSpace::create(owner);
    if (made) space = *made;
    return made.has_value();
  });
  spaces_.push_back({space, owner});
  const auto rw = Permissions::read_write();
  every_failure([&] { return space->map_segment(VirtAddr(mega - 2 * page), 5 * page + 5, rw).has_value(); });
  every_failure([&] {
    return space->map_segment(VirtAddr(mega + 3 * page + 50), page, Permissions::read_execute()).has_value();
  });
  every_failure([&] { return space->map_stack(2, 2).has_value(); });
  run(*space);
  every_failure([&] { return space->grow(7 * page, Growth::eager).has_value(); });
  every_failure(
      [&] { return space->grow(2 * mega - space->program_break() % mega, Growth::eager_if_it_fits).has_value(); });
  every_failure([&] { return space->map_anonymous(20 * page, rw, Sharing::shared).has_value(); });
  every_failure([&] { return space->map_anonymous(20 * page, rw, Sharing::private_copy).has_value(); });
  const u64 top = space->program_break();
  EXPECT_EQ(put(*space, top - 1, 4), Outcome::done);
  const SpaceOwner child_owner = *machine_.make_owner();
  AddressSpace* child = nullptr;
  every_failure([&] {
    auto made = space->fork(child_owner);
    if (made) child = *made;
    return made.has_value();
  });
  spaces_.push_back({child, child_owner});
  every_failure([&] { return put(*space, top - 1, 5) == Outcome::done; });
  every_failure([&] {
    run(*child);
    const std::byte value{6};
    return child->copy_out(VirtAddr(top - 2), &value, 1).ok();
  });
  EXPECT_EQ(at(*space, top - 1), std::byte{5});
  EXPECT_EQ(at(*child, top - 1), std::byte{4});
}

TEST_F(AddressSpaceTest, AFullRegionListIsAnErrorAndNothingWorse) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(8 * page, Growth::lazy));
  std::vector<u64> mapped;
  for (;;) {
    // Every other one is read-only, so that no two can be taken for one.
    const bool odd = mapped.size() % 2 == 1;
    auto at = space.map_anonymous(3 * page, odd ? Permissions::read_only() : Permissions::read_write(),
                                  Sharing::private_copy);
    if (!at) {
      EXPECT_EQ(at.error(), lib::Error::limit_reached);
      break;
    }
    mapped.push_back(at->value());
    ASSERT_LT(mapped.size(), 1000u);
  }
  // The list is full. Whatever needs no further region must work, and what needs one must say so.
  space.shrink(2 * page);  // a shorter heap is no further region
  EXPECT_TRUE(space.grow(2 * page, Growth::lazy));
  EXPECT_FALSE(space.unmap(VirtAddr(mapped[5] + page), page)) << "a hole would make two of one";
  EXPECT_TRUE(space.unmap(VirtAddr(mapped[5]), page)) << "the head";
  EXPECT_TRUE(space.unmap(VirtAddr(mapped[6] + 2 * page), page)) << "the tail";
  AddressSpace* child = fork(space);
  ASSERT_NE(child, nullptr);
  EXPECT_FALSE(space.map_inaccessible(page));
  run(space);
  EXPECT_TRUE(space.unmap(VirtAddr(mapped[7]), 3 * page));
  EXPECT_TRUE(space.map_inaccessible(page));
}

TEST_F(AddressSpaceTest, V37_NoProgramSeesAnothersBytes) {
  for (int round = 0; round < 4; ++round) {
    AddressSpace& space = program();
    const u64 begin = heap(space);
    ASSERT_TRUE(space.grow(3 * mega, round % 2 == 0 ? Growth::eager : Growth::lazy));
    const u64 anonymous = space.map_anonymous(64 * page, Permissions::read_write(), Sharing::shared)->value();
    for (u64 i = 0; i < 64; ++i) {
      ASSERT_EQ(at(space, anonymous + i * page + 17), std::byte{0});
      put(space, anonymous + i * page + 17, 0xcc);
    }
    for (u64 va = begin; va < begin + 3 * mega; va += page) {
      ASSERT_EQ(at(space, va + 99), std::byte{0});
      put(space, va + 99, 0xcc);
    }
    end(&space);
  }
}

TEST_F(AddressSpaceTest, V38_MemoryThatRunsOutAtATouchKillsTheToucherOnly) {
  AddressSpace& modest = program();
  ASSERT_TRUE(modest.grow(page, Growth::eager));
  AddressSpace& greedy = program();
  const u64 begin = heap(greedy);
  ASSERT_TRUE(greedy.grow(gib, Growth::eager_if_it_fits)) << "large requests become lazy";
  u64 va = begin;
  while (put(greedy, va, 1) == Outcome::done) va += page;
  EXPECT_EQ(frames().free_count(), 0u) << "to the last frame";
  EXPECT_EQ(put(modest, modest.program_break() - 1, 1), Outcome::done) << "what is eager is there";
  EXPECT_EQ(modest.grow(page, Growth::eager).error(), lib::Error::no_memory);
  EXPECT_EQ(fork(modest), nullptr);
  EXPECT_EQ(frames().free_count(), 0u);
  end(&greedy);
  EXPECT_TRUE(modest.grow(page, Growth::eager));
}

/// Whoever reads the allocator's counts is held up before each of its sums, while another hart allocates and frees more
/// often than there are frames in use.
class SlowReader {
 public:
  SlowReader() {
    arch::hart_counters.before_sum = [] {
      const unsigned here = arch::hart_index();
      arch::host::set_hart_index(here + 1);
      for (int i = 0; i < 2000; ++i) frames().free(*frames().allocate(FrameState::kernel));
      arch::host::set_hart_index(here);
    };
  }
  ~SlowReader() { arch::hart_counters.before_sum = nullptr; }
};

TEST_F(AddressSpaceTest, NothingIsRefusedForACountThatWasReadWhileItMoved) {
  AddressSpace& space = program();
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* fresh = *AddressSpace::create(owner);
  spaces_.push_back({fresh, owner});
  {
    const SlowReader slow;
    EXPECT_GT(frames().free_count(), 1000u) << "most of the memory is free";
    EXPECT_TRUE(space.grow(2 * page, Growth::eager)) << "sbrk";
    EXPECT_TRUE(space.map_anonymous(2 * page, Permissions::read_write(), Sharing::shared)) << "mmap";
    EXPECT_TRUE(fresh->map_segment(VirtAddr(0), 2 * page, Permissions::read_write())) << "exec";
  }
  EXPECT_EQ(put(space, heap(space) - page, 1), Outcome::done);
}

}  // namespace
