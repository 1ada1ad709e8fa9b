// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. What a hart may still remember: old leaves, absences, code, numbers of address spaces;
// fences are counted too.
#include <functional>
#include <vector>

#include "mm/address_space/kit.hpp"
#include "mm/fake_file.hpp"

namespace {

using namespace mm_test;
using model::AccessKind;

TEST_F(AddressSpaceTest, V10_NoFrameIsFreeWhileAHartCanHitIt) {
  AddressSpace& space = program();
  const u64 begin = heap(space);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(space.grow(200 * page, Growth::eager));
    for (u64 i = 0; i < 200; ++i) {
      run(space, i % 2 == 0 ? 0 : 3);
      EXPECT_EQ(machine_.store(begin + i * page, std::byte{1}), Outcome::done);
    }
    space.shrink(200 * page);  // the TLB model watches
    run(space, 0);
    EXPECT_EQ(machine_.store(begin, std::byte{1}), Outcome::killed_refused);
  }
}

TEST_F(AddressSpaceTest, V11_ACachedAbsenceCostsOneFaultAndNoMore) {
  AddressSpace& space = program();
  const u64 begin = heap(space);
  std::byte value{};
  EXPECT_EQ(machine_.load(begin, value), Outcome::killed_refused);  // the TLB may remember: nothing here
  ASSERT_TRUE(space.grow(page, Growth::eager));
  machine_.tlb().speculate(0, begin);
  EXPECT_EQ(machine_.load(begin, value), Outcome::done);
  // So are several pages at once.
  EXPECT_EQ(machine_.load(begin + 2 * page, value), Outcome::killed_refused);
  ASSERT_TRUE(space.grow(3 * page, Growth::eager));
  EXPECT_EQ(machine_.load(begin + 2 * page, value), Outcome::done);
  space.shrink(3 * page);
  EXPECT_EQ(events(VmEvent::fault_spurious), 0u) << "memory that sbrk brings is fenced";
  // The handler is idempotent: a fault on a page that is there is resolved.
  EXPECT_EQ(space.fault(VirtAddr(begin), Access::read), FaultResult::resolved);
  EXPECT_EQ(space.fault(VirtAddr(begin), Access::write), FaultResult::resolved);
  EXPECT_GE(events(VmEvent::fault_spurious), 2u);
  // Memory that comes with the fault is fenced with it: the access does not fault a second time.
  ASSERT_TRUE(space.grow(3 * mega, Growth::lazy));
  const u64 spurious = events(VmEvent::fault_spurious);
  for (const u64 first_touch : {begin + 5 * page, begin + 2 * mega}) {  // in a table that is there, and without
    machine_.tlb().speculate(0, first_touch);
    EXPECT_EQ(put(space, first_touch, 1), Outcome::done);
  }
  EXPECT_EQ(events(VmEvent::fault_spurious), spurious);
}

TEST_F(AddressSpaceTest, V12_AClearedAccessedBitFaultsOnceWhereHardwareDoesNotSetIt) {
  AddressSpace& space = program();
  EXPECT_EQ(put(space, page, 1), Outcome::done);
  EXPECT_NE(space.take_accessed(VirtAddr(page), 1), 0u);
  EXPECT_EQ(space.take_accessed(VirtAddr(page), 1), 0u);
  EXPECT_EQ(put(space, page, 2), Outcome::done) << "Svade: the fault handler sets A and D";
  EXPECT_EQ(space.take_accessed(VirtAddr(page), 1), 1u);
}

TEST_F(AddressSpaceTest, V13_CodeThatComesWithAFaultIsFenced) {
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* space = *AddressSpace::create(owner);
  spaces_.push_back({space, owner});
  ASSERT_TRUE(space->map_segment(VirtAddr(0), page, Permissions::read_write_execute()));
  FakeFile file(page);
  const u64 mapped = space->map_file(page, Permissions::read_execute(), Sharing::private_copy, file, 0)->value();
  ASSERT_NE(fork(*space), nullptr);
  run(*space, 1);
  run(*space, 0);
  const std::function<Outcome()> events[] = {
      [&] { return machine_.store(5, std::byte{0x13}); },  // a page of code is copied
      [&] {
        std::byte* byte = nullptr;
        return machine_.access(mapped, AccessKind::fetch, &byte);
      }};
  for (const auto& event : events) {
    const u64 here = machine_.tlb().fences(0).icache, there = machine_.tlb().fences(1).icache;
    EXPECT_EQ(event(), Outcome::done);
    EXPECT_EQ(machine_.tlb().fences(0).icache, here + 1);
    run(*space, 1);
    EXPECT_EQ(machine_.tlb().fences(1).icache, there + 1);
    run(*space, 0);
  }
  ASSERT_TRUE(space->unmap(VirtAddr(mapped), page));
  end(spaces_.back().space);  // the child holds the file
}

TEST_F(AddressSpaceTest, V13_CodeWrittenByTheKernelIsFencedOnEveryHartBeforeItRuns) {
  AddressSpace& space = program();
  space.loaded_bytes(VirtAddr(0))[0] = std::byte{0x13};
  space.code_changed();
  for (unsigned hart = 0; hart < 4; ++hart) {
    const u64 before = machine_.tlb().fences(hart).icache;
    run(space, hart);
    EXPECT_EQ(machine_.tlb().fences(hart).icache - before, hart == 0 ? 0u : 1u) << "hart " << hart;
    run(space, 7);
    run(space, hart);
    EXPECT_EQ(machine_.tlb().fences(hart).icache - before, hart == 0 ? 0u : 1u) << "once";
  }
}

TEST_F(AddressSpaceTest, V13_AForkedProcessFencesTheCodeThatItsParentHadNotFencedYet) {
  AddressSpace& space = program();
  space.loaded_bytes(VirtAddr(0))[0] = std::byte{0x13};
  space.code_changed();
  run(space, 2);
  run(space, 0);
  AddressSpace* child = fork(space);
  ASSERT_NE(child, nullptr);
  for (unsigned hart = 0; hart < 4; ++hart) {
    const u64 before = machine_.tlb().fences(hart).icache;
    run(*child, hart);
    EXPECT_EQ(machine_.tlb().fences(hart).icache - before, hart == 1 || hart == 3 ? 1u : 0u) << "hart " << hart;
  }
}

TEST_F(AddressSpaceTest, ActivateIsWhatASwitchDoes) {
  AddressSpace& space = program();
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* fresh = *AddressSpace::create(owner);
  spaces_.push_back({fresh, owner});
  ASSERT_TRUE(fresh->map_segment(VirtAddr(0), page, Permissions::read_write()));
  EXPECT_EQ(put(space, page, 1), Outcome::done);
  fresh->activate();
  if (is_unified) EXPECT_EQ(machine_.tlb().root(0), fresh->root().address().value());
  machine_.switch_to(fresh);
  EXPECT_EQ(at(*fresh, 0), std::byte{0});
  machine_.switch_to(nullptr);
  if (is_unified) EXPECT_EQ(machine_.tlb().root(0), kernel_space().root().address().value());
  EXPECT_EQ(fresh->kernel_root() == fresh->root(), is_unified);
}

#if !defined(BIFOLIUM_VIEW_SHARED) && !defined(BIFOLIUM_VIEW_MIRRORED)
class FewAsidsTest : public AddressSpaceTest {
 protected:
  FewAsidsTest() : AddressSpaceTest(MachineOptions{.ram_bytes = 32 * mib, .asid_mask = 7}) {}
};

TEST_F(FewAsidsTest, V33_NumbersThatAreUsedAgainMeetNoOldTranslations) {
  std::vector<AddressSpace*> all;
  for (int i = 0; i < 12; ++i) all.push_back(&program());
  for (int round = 0; round < 6; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      run(*all[i], static_cast<unsigned>((i + static_cast<std::size_t>(round)) % 3));
      if (round > 0) {
        std::byte value{};
        ASSERT_EQ(machine_.load(page, value), Outcome::done);
        ASSERT_EQ(value, static_cast<std::byte>(i));
      }
      ASSERT_EQ(machine_.store(page, static_cast<std::byte>(i)), Outcome::done);
    }
  }
  EXPECT_GT(events(VmEvent::asid_generation), 0u);
}

class NoAsidsTest : public AddressSpaceTest {
 protected:
  NoAsidsTest() : AddressSpaceTest(MachineOptions{.ram_bytes = 32 * mib, .asid_mask = 0}) {}
};

// The kernel's own table has the number that every program has then: what the hart remembers of the last program would
// be good there, and lead into frames that may be somebody else's by now.
TEST_F(NoAsidsTest, OnTheKernelsTableAHartRemembersNothingOfTheLastProgram) {
  AddressSpace& space = program();
  EXPECT_EQ(put(space, page, 1), Outcome::done);
  EXPECT_GT(machine_.tlb().cached_entries(0, 0), 0u);
  machine_.switch_to(nullptr);
  EXPECT_EQ(machine_.tlb().cached_entries(0, 0), 0u);
}

TEST_F(AddressSpaceTest, UnifiedSwitchesWithoutFences) {
  AddressSpace& a = program();
  AddressSpace& b = program();
  run(a);
  run(b);
  const auto before = machine_.tlb().fences(0);
  for (int i = 0; i < 100; ++i) {
    run(a);
    EXPECT_EQ(machine_.store(page, std::byte{1}), Outcome::done);
    run(b);
    EXPECT_EQ(machine_.store(page, std::byte{2}), Outcome::done);
  }
  const auto after = machine_.tlb().fences(0);
  EXPECT_EQ(after.page + after.asid + after.all, before.page + before.asid + before.all);
}
#endif

}  // namespace
