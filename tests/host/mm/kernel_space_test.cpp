// SPDX-License-Identifier: MIT
// Strategy: the kernel's own table is built as at boot and then read by the software MMU in supervisor mode: every page
// of RAM, every device page, every stack and the hole below each are asked for each kind of access. What is mapped
// nowhere must be mapped nowhere.
#include "mm/kernel_space.hpp"

#include <gtest/gtest.h>

#include <set>

#include "mm/counters.hpp"
#include "mm/machine.hpp"

namespace {

using namespace mm_test;
using model::AccessKind;

constexpr u64 page = 4096;

class KernelSpaceTest : public ::testing::Test {
 protected:
  Machine machine_{{.ram_bytes = u64{16} << 20}};

  model::Translation walk(u64 va, AccessKind kind) {
    const auto read = [this](u64 at) { return machine_.arena().word(at); };
    return model::translate(read, kernel_space().root().address().value(), va, kind,
                            {model::Privilege::supervisor, false, false});
  }
  bool can(u64 va, AccessKind kind) { return walk(va, kind).ok(); }
};

TEST_F(KernelSpaceTest, RamIsMappedOnceWithTheRightsOfItsSections) {  // V31
  const KernelImage& image = kernel_space().image();
  for (u64 pa = machine_.arena().base(); pa < machine_.arena().base() + machine_.arena().size(); pa += page) {
    const u64 va = pa + arch::kernel_offset;
    const auto seen = walk(va, AccessKind::load);
    ASSERT_TRUE(seen.ok()) << std::hex << pa;
    ASSERT_EQ(seen.physical, pa);
    const bool text = pa < image.rodata_begin.value(), rodata = !text && pa < image.data_begin.value();
    ASSERT_EQ(can(va, AccessKind::fetch), text) << std::hex << pa;
    ASSERT_EQ(can(va, AccessKind::store), !text && !rodata) << std::hex << pa;
    ASSERT_FALSE((seen.last().pte & model::bit::u) != 0);
    ASSERT_EQ((seen.last().pte & model::bit::g) != 0, View::kind == abi::ViewKind::unified);
  }
  const u64 whole = (machine_.arena().base() + (u64{4} << 20)) + arch::kernel_offset;
  EXPECT_GE(walk(whole, AccessKind::load).last().level, 1u) << "superpages wherever aligned";
}

TEST_F(KernelSpaceTest, DevicesAreReadableAndWritableAndNeverExecutable) {
  for (const u64 pa : {u64{0x10000000}, u64{0xc000000}, u64{0xc3ff000}}) {
    const u64 va = pa + arch::kernel_offset;
    EXPECT_EQ(walk(va, AccessKind::store).physical, pa);
    EXPECT_FALSE(can(va, AccessKind::fetch));
  }
  EXPECT_FALSE(can(0x20000000 + arch::kernel_offset, AccessKind::load));
  EXPECT_FALSE(can(0xc400000 + arch::kernel_offset, AccessKind::load));
}

TEST_F(KernelSpaceTest, EveryStackHasAHoleBelowIt) {  // V25
  std::set<u64> frames_seen;
  for (u32 slot = 0; slot < KernelSpace::stack_slots; ++slot) {
    const VirtRange stack = kernel_space().stack(slot);
    EXPECT_EQ(stack.bytes(), KernelSpace::stack_pages * page);
    for (u64 i = 0; i < KernelSpace::stack_pages; ++i) {
      EXPECT_TRUE(frames_seen.insert(kernel_space().stack_frame(slot, i).value()).second)
          << "no two slots share a frame";
    }
    if (View::kind == abi::ViewKind::mirrored) {
      EXPECT_EQ(stack, kernel_space().stack(0)) << "one address for all";
      EXPECT_FALSE(can(stack.begin().value(), AccessKind::load)) << "only a process's own table has it";
      continue;
    }
    for (u64 i = 0; i < KernelSpace::stack_pages; ++i) {
      const u64 va = stack.begin().value() + i * page;
      EXPECT_EQ(walk(va, AccessKind::store).physical, kernel_space().stack_frame(slot, i).address().value());
      EXPECT_FALSE(can(va, AccessKind::fetch));
    }
    EXPECT_FALSE(can(stack.begin().value() - 1, AccessKind::load)) << "the page below stack " << slot;
  }
}

TEST_F(KernelSpaceTest, TrampolineWhereTheViewNeedsIt) {
  const bool there = View::kind != abi::ViewKind::unified;
  EXPECT_EQ(can(abi::trampoline, AccessKind::fetch), there);
  EXPECT_FALSE(can(abi::trampoline, AccessKind::store));
  if (there) EXPECT_EQ(walk(abi::trampoline, AccessKind::fetch).physical, kernel_space().trampoline().value());
  // The page below it is the user tables' trapframe; in the kernel's own table the first of `shared`'s stacks ends
  // there.
  EXPECT_EQ(can(abi::trapframe, AccessKind::load), View::kind == abi::ViewKind::shared);
}

TEST_F(KernelSpaceTest, EveryProcessSharesTheKernelsEntries) {  // V14
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* space = *AddressSpace::create(owner);
  const u64 root = space->kernel_root().address().value();
  const auto read = [this](u64 at) { return machine_.arena().word(at); };
  for (u64 pa = machine_.arena().base(); pa < machine_.arena().base() + machine_.arena().size(); pa += 37 * page) {
    const auto seen = model::translate(read, root, pa + arch::kernel_offset, AccessKind::load,
                                       {model::Privilege::supervisor, false, false});
    EXPECT_EQ(seen.physical, pa);
  }
  if (View::kind == abi::ViewKind::mirrored) {
    const VirtRange stack = kernel_space().stack(0);
    for (u64 i = 0; i < KernelSpace::stack_pages; ++i) {
      const auto seen = model::translate(read, root, stack.begin().value() + i * page, AccessKind::store,
                                         {model::Privilege::supervisor, false, false});
      EXPECT_EQ(seen.physical, kernel_space().stack_frame(owner.stack_slot, i).address().value());
    }
  }
  AddressSpace::destroy(space);
  machine_.free_owner(owner);
}

TEST(KernelSpaceBoot, FailsWithoutMemoryAndSaysSo) {
  Machine machine({.ram_bytes = u64{16} << 20});
  const DeviceWindow nowhere[] = {{*PhysRange::from(PhysAddr(0x10000000), 0x1000), VirtAddr(u64{1} << 50)}};
  const PhysAddr ram(machine.arena().base());
  const KernelImage image{ram, ram + 0x40000, ram + 0x60000, ram + 0x1000};
  // Two devices in one page are one mapping; a device where RAM is seen is refused.
  const u64 uart = 0x10000000 + arch::kernel_offset;
  const DeviceWindow neighbours[] = {{*PhysRange::from(PhysAddr(0x10000000), 0x100), VirtAddr(uart)},
                                     {*PhysRange::from(PhysAddr(0x10000800), 0x100), VirtAddr(uart + 0x800)},
                                     {PhysRange(), VirtAddr(uart + 0x2000)}};
  EXPECT_TRUE(KernelSpace().build(neighbours, image));
  const DeviceWindow in_ram[] = {
      {*PhysRange::from(PhysAddr(0x10000000), 0x100), VirtAddr(ram.value() + arch::kernel_offset)}};
  EXPECT_EQ(KernelSpace().build(in_ram, image).error(), lib::Error::already_exists);
  KernelSpace other;
  EXPECT_EQ(other.build(nowhere, image).error(), lib::Error::invalid_argument) << "a device at an address that is none";
  for (unsigned n = 1; n < 100; ++n) {
    Machine::fail_at(n);
    KernelSpace again;
    const auto built = again.build({}, image);
    Machine::fail_at(0);
    if (built) {
      EXPECT_GT(n, 10u);
      return;
    }
    EXPECT_EQ(built.error(), lib::Error::no_memory);
  }
}

}  // namespace
