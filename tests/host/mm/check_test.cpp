// SPDX-License-Identifier: MIT
// Strategy: the checker is a test tool, so it is tested with seeded violations: each invariant that check.hpp lists is
// broken once by hand, in a healthy world, and the checker must name it; the damage is undone and it must be silent
// again. A checker that misses one would make every other figure worthless.
#include "mm/check.hpp"

#include <gtest/gtest.h>

#include "mm/counters.hpp"
#include "mm/machine.hpp"

namespace {

using namespace mm_test;
using sv39::Slot;

constexpr u64 page = 4096, mega = 2 << 20;

class CheckTest : public ::testing::Test {
 protected:
  CheckTest() {
    owner_ = *machine_.make_owner();
    space_ = *AddressSpace::create(owner_);
    EXPECT_TRUE(space_->map_segment(VirtAddr(0), page, Permissions::read_execute()));
    EXPECT_TRUE(space_->map_segment(VirtAddr(page), 2 * page, Permissions::read_write()));
    EXPECT_TRUE(space_->map_stack(1, 1));
    EXPECT_TRUE(space_->grow(mega - space_->program_break(), Growth::eager));
    EXPECT_TRUE(space_->grow(mega, Growth::eager));
    EXPECT_EQ(figures_of(*space_).megapages, 1u);
    EXPECT_TRUE(space_->grow(mega, Growth::lazy));
    EXPECT_EQ(run(), "");
  }
  ~CheckTest() override {
    EXPECT_EQ(run(), "") << "the damage was undone";
    AddressSpace::destroy(space_);
    machine_.free_owner(owner_);
  }

  std::string run() {
    AddressSpace* next = space_;
    const SpaceIterator one{[](void* context) {
                              AddressSpace*& left = *static_cast<AddressSpace**>(context);
                              AddressSpace* now = left;
                              left = nullptr;
                              return now;
                            },
                            &next};
    TextCollector text;
    const auto violations = check_invariants(one, text.sink());
    EXPECT_TRUE(violations);
    if (violations && *violations == 0) EXPECT_EQ(text.text, "");
    if (violations && *violations != 0 && text.text.empty()) return "violations without words";
    return text.text;
  }
  Slot slot_of(u64 va, Level lowest = Level::base) { return cursor_().find(VirtAddr(va), lowest); }
  Cursor cursor_() { return Cursor(TableMemory{}, space_->root()); }

  /// Puts `raw` into the entry of `va`, without any mirror, and expects the words.
  void seed(u64 va, u64 raw, const char* words, Level lowest = Level::base) {
    const Slot slot = slot_of(va, lowest);
    const Pte old = slot.pte;
    slot.node->store(slot.index, Pte::from_raw(raw));
    EXPECT_NE(run().find(words), std::string::npos) << words << " expected, said: " << run();
    slot.node->store(slot.index, old);
  }
  u64 raw_at(u64 va, Level lowest = Level::base) { return slot_of(va, lowest).pte.raw(); }

  Machine machine_{{.ram_bytes = u64{16} << 20}};
  SpaceOwner owner_;
  AddressSpace* space_;
};

TEST_F(CheckTest, ReferenceCounts) {
  const Ppn user = slot_of(page).pte.ppn();
  frames().ref(user);
  EXPECT_NE(run().find("has count 2, found 1"), std::string::npos) << run();
  frames().record(user).refs = 1;
  const Ppn table = slot_of(page).node_ppn;
  frames().record(table).refs = 2;
  EXPECT_NE(run().find("page table frame"), std::string::npos) << run();
  frames().record(table).refs = 1;
  const Ppn block = slot_of(mega).pte.ppn();
  ASSERT_EQ(frames().state(block), FrameState::compound);
  frames().record(block).refs = 2;
  EXPECT_NE(run().find("megapage frame"), std::string::npos) << run();
  frames().record(block).refs = 1;
  frames().record(owner_.trapframe).refs = 0;
  EXPECT_NE(run().find("kernel frame"), std::string::npos) << run();
  frames().record(owner_.trapframe).refs = 1;
  seed(page, Pte::leaf(owner_.trapframe, Permissions::read_write().user()).raw(), "kernel frame");
  frames().record(owner_.trapframe).refs = 2;
}

TEST_F(CheckTest, AFileFrameCountsItsCache) {
  const Ppn frame = slot_of(page).pte.ppn();
  frames().record(frame).state = FrameState::file;
  EXPECT_NE(run().find("file frame"), std::string::npos) << run();
  frames().record(frame).state = FrameState::user;
}

TEST_F(CheckTest, FreeAndMapped) {
  const Ppn free = *frames().allocate(FrameState::user);
  frames().free(free);
  seed(2 * page, Pte::leaf(free, Permissions::read_write().user()).raw(), "mapped 1 times");
  const Ppn reserved(machine_.arena().base() / page);
  seed(2 * page, Pte::leaf(reserved, Permissions::read_write().user()).raw(), "reserved frame");
}

TEST_F(CheckTest, RightsBeyondTheRegion) {
  const Ppn frame = slot_of(page).pte.ppn();
  seed(page, Pte::leaf(frame, Permissions::read_write_execute().user()).raw(), "permits more than its region");
  seed(0, Pte::leaf(slot_of(0).pte.ppn(), Permissions::read_write_execute().user()).raw(), "permits more");
  seed(page, Pte::leaf(frame, Permissions::read_write()).raw(), "is not the program's");
  seed(page, Pte::leaf(frame, Permissions::read_write().user().global()).raw(), "is global");
  seed(page, raw_at(page) | sv39::pte_bit::copy_on_write, "writable and copy-on-write");
}

TEST_F(CheckTest, WritableAndShared) {
  const Ppn frame = slot_of(page).pte.ppn();
  seed(2 * page, Pte::leaf(frame, Permissions::read_write().user()).raw(), "found 2");
  frames().record(frame).refs = 2;
  EXPECT_NE(run().find("writable and its frame shared"), std::string::npos) << run();
  frames().record(frame).refs = 1;
}

TEST_F(CheckTest, LeavesWithoutARegion) {
  const u64 hole = 5 * mega;
  // Inside the level-0 table of the lazy heap's neighbourhood there is room for a stray leaf beyond every region.
  const Slot there = slot_of(hole, Level::mega);
  ASSERT_EQ(there.level, Level::mega);
  there.node->store(there.index, Pte::leaf(Ppn(machine_.arena().base() / page / 512 * 512 + 512),
                                           Permissions::read_write().user(), Level::mega));
  EXPECT_NE(run().find("belongs to no region"), std::string::npos) << run();
  there.node->store(there.index, Pte());
  // In a region, but where the region believes that nothing was ever touched.
  const Slot lazy = slot_of(2 * mega, Level::mega);
  const Ppn block = *frames().allocate(FrameState::user, Zero::no, Order::megapage);
  lazy.node->store(lazy.index, Pte::leaf(block, Permissions::read_write().user(), Level::mega));
  EXPECT_NE(run().find("takes for populated"), std::string::npos) << run();
  lazy.node->store(lazy.index, lazy.pte);
  frames().free(block, Order::megapage);
}

TEST_F(CheckTest, KernelHalf) {
  const Slot root = slot_of(u64{1} << 37, Level::giga);
  sv39::PageTable& node = *root.node;
  const Pte old = node.load(300);
  node.store(300, Pte::leaf(Ppn(0x40000), Permissions::read_only().user(), Level::giga));
  EXPECT_NE(run().find("root entry 300"), std::string::npos) << run();
  node.store(300, old);
  // In the kernel's own table.
  Cursor kernel(TableMemory{}, kernel_space().root());
  const Slot ram = kernel.find(VirtAddr(machine_.arena().base() + arch::kernel_offset + 0x200000));
  ASSERT_TRUE(ram.pte.is_leaf());
  ram.node->store(ram.index, Pte::from_raw(ram.pte.raw() | sv39::pte_bit::user));
  EXPECT_NE(run().find("kernel: user page"), std::string::npos) << run();
  ram.node->store(ram.index, Pte::from_raw(ram.pte.raw() | sv39::pte_bit::execute));
  EXPECT_NE(run().find("kernel: W and X"), std::string::npos) << run();
  ram.node->store(ram.index, Pte::from_raw(ram.pte.raw() | u64{1} << 60));
  EXPECT_NE(run().find("kernel: reserved entry"), std::string::npos) << run();
  ram.node->store(ram.index, ram.pte);
}

TEST_F(CheckTest, Encodings) {
  seed(page, raw_at(page) | u64{1} << 60, "reserved entry");
  seed(page, raw_at(page) & ~sv39::pte_bit::read, "reserved entry");
  seed(page, raw_at(page) & ~sv39::pte_bit::valid, "is not zero");
  seed(mega, raw_at(mega) + (u64{1} << 10), "reserved entry", Level::mega);
  seed(page, raw_at(page, Level::mega) | sv39::pte_bit::accessed, "reserved entry", Level::mega);
  seed(page, Pte::leaf(Ppn(5), Permissions::read_only().user()).raw(), "which is not RAM");
  seed(page, Pte::leaf(slot_of(page).node_ppn, Permissions::read_only().user()).raw(),
       "shows a frame that is page table");
  seed(page, Pte::table(slot_of(0).pte.ppn()).raw(), "is no table frame", Level::mega);
}

TEST_F(CheckTest, FixedPagesAndGuard) {
  seed(abi::usyscall, raw_at(abi::usyscall) | sv39::pte_bit::write, "fixed page");
  seed(abi::trapframe, raw_at(abi::trapframe) | sv39::pte_bit::user, "fixed page");
  seed(abi::trampoline, raw_at(abi::trampoline) | sv39::pte_bit::user, "fixed page");
  const u64 guard = 3 * page;
  ASSERT_FALSE(slot_of(guard).pte.is_user());
  seed(guard, raw_at(guard) | sv39::pte_bit::user, "guard page");
}

TEST_F(CheckTest, Deposits) {
  const Ppn upper = slot_of(mega, Level::mega).node_ppn;
  u32& deposit = frames().record(upper).table().deposit;
  const u32 kept = deposit;
  ASSERT_NE(kept, no_frame);
  deposit = no_frame;
  EXPECT_NE(run().find("0 tables in deposit for 1 megapages"), std::string::npos) << run();
  deposit = kept;
  auto* words = static_cast<u64*>(frame_bytes(frames().ppn_of(kept)));
  words[9] = 1;
  EXPECT_NE(run().find("is not empty"), std::string::npos) << run();
  words[9] = 0;
}

TEST_F(CheckTest, Totals) {
  hart_counters[1].add(VmEvent::frame_allocated, 1);
  EXPECT_NE(run().find("are free"), std::string::npos) << run();
  hart_counters[1].add(VmEvent::frame_freed, 1);
  const Ppn frame = *frames().allocate(FrameState::kernel);
  frames().record(frame).state = FrameState::inside;
  EXPECT_NE(run().find("belongs to no block"), std::string::npos) << run();
  frames().record(frame).state = FrameState::count_;
  EXPECT_NE(run().find("belongs to no block"), std::string::npos) << run();
  frames().record(frame).state = FrameState::kernel;
  frames().free(frame);
}

TEST_F(CheckTest, Regions) {
  auto& regions = const_cast<RegionList&>(space_->regions());
  std::swap(regions[0], regions[1]);
  EXPECT_NE(run().find("regions out of order"), std::string::npos) << run();
  std::swap(regions[0], regions[1]);
  Region& last = regions[regions.size() - 1];
  const VirtAddr end = last.end;
  last.end = VirtAddr(abi::trampoline);
  EXPECT_NE(run().find("a region reaches"), std::string::npos) << run();
  last.end = last.begin;
  EXPECT_NE(run().find("regions out of order"), std::string::npos) << "an empty region";
  last.end = end;
  // A megapage of which a part is the region's, and one of which a part was never populated.
  Region& heap = *regions.find(VirtAddr(mega));
  const Region whole = heap;
  heap.end = VirtAddr(mega + page);
  EXPECT_NE(run().find("belongs to no region"), std::string::npos) << run();
  heap = whole;
  heap.populated_begin = VirtAddr(mega + page);
  EXPECT_NE(run().find("takes for populated"), std::string::npos) << run();
  heap = whole;
}

TEST_F(CheckTest, TablesThatAreNone) {
  const Ppn root = kernel_space().root();
  frames().record(root).state = FrameState::user;
  EXPECT_NE(run().find("is no table frame"), std::string::npos) << run();
  frames().record(root).state = FrameState::table;
  seed(page, Pte::table(Ppn(5)).raw(), "is not RAM", Level::mega);
  seed(page, Pte::table(Ppn(5)).raw(), "is not RAM", Level::giga);
  const Ppn upper = slot_of(mega, Level::mega).node_ppn;
  const u32 kept = frames().record(upper).table().deposit;
  frames().record(frames().ppn_of(kept)).state = FrameState::user;
  EXPECT_NE(run().find("is no table frame"), std::string::npos) << run();
  frames().record(frames().ppn_of(kept)).state = FrameState::table;
}

TEST_F(CheckTest, BlocksThatAreDamaged) {
  const Ppn block = slot_of(mega).pte.ppn();
  frames().record(block + 3).state = FrameState::user;
  EXPECT_NE(run().find("of a block is user"), std::string::npos) << run();
  frames().record(block + 3).state = FrameState::inside;
  frames().record(block).state = FrameState::kernel;
  EXPECT_NE(run().find("shows a frame that is kernel"), std::string::npos) << run();
  frames().record(block).state = FrameState::compound;
  seed(2 * page, Pte::leaf(block + 7, Permissions::read_write().user()).raw(), "inside a block is mapped");
  const Slot guard = slot_of(3 * page);
  guard.node->store(guard.index, Pte::leaf(slot_of(page).pte.ppn(), Permissions::execute_only()));
  EXPECT_NE(run().find("guard page"), std::string::npos) << "another frame than the guard's";
  guard.node->store(guard.index, guard.pte);
}

TEST_F(CheckTest, NoMemoryForTheCheckIsAnError) {
  Machine::fail_at(1);
  AddressSpace* none = nullptr;
  TextCollector text;
  const auto result = check_invariants({[](void*) -> AddressSpace* { return nullptr; }, &none}, text.sink());
  EXPECT_FALSE(result);
  Machine::fail_at(0);
}

#if defined(BIFOLIUM_VIEW_MIRRORED)
TEST_F(CheckTest, V14_TheMirrorAndTheSharedKernelEntries) {
  Cursor kernel(TableMemory{}, space_->kernel_root());
  const Slot twin = kernel.find(VirtAddr(page));
  ASSERT_TRUE(twin.pte.is_leaf());
  twin.node->store(twin.index, Pte());
  EXPECT_NE(run().find("mirror at"), std::string::npos) << run();
  twin.node->store(twin.index, Pte::from_raw(twin.pte.raw() | sv39::pte_bit::execute));
  EXPECT_NE(run().find("mirror at"), std::string::npos) << "X never in the mirror";
  twin.node->store(twin.index, twin.pte);
  const Slot device = kernel.find(VirtAddr(0xc000000), Level::mega);
  ASSERT_TRUE(device.pte.is_valid());
  device.node->store(device.index, Pte());
  EXPECT_NE(run().find("lacks the kernel's entry"), std::string::npos) << run();
  device.node->store(device.index, device.pte);
  const Slot ram = kernel.find(VirtAddr(machine_.arena().base()), Level::giga);
  ram.node->store(ram.index, Pte());
  EXPECT_NE(run().find("is not the kernel's"), std::string::npos) << run();
  ram.node->store(ram.index, ram.pte);
  // The part that is the process's own: its stack.
  const Slot stack = kernel.find(kernel_space().stack(0).begin());
  stack.node->store(stack.index, Pte::leaf(slot_of(page).pte.ppn(), Permissions::read_write()));
  EXPECT_NE(run().find("shows another's stack"), std::string::npos) << run();
  stack.node->store(stack.index, stack.pte);
  for (const Level level : {Level::giga, Level::mega}) {
    const Slot way = kernel.find(VirtAddr(abi::trampoline), level);
    way.node->store(way.index, Pte());
    EXPECT_NE(run(), "") << "the way to the stack is gone";
    way.node->store(way.index, way.pte);
    frames().record(way.pte.ppn()).state = FrameState::user;
    EXPECT_NE(run().find("is no table frame"), std::string::npos) << run();
    frames().record(way.pte.ppn()).state = FrameState::table;
  }
  const Ppn mirror = frames().ppn_of(frames().record(slot_of(page).node_ppn).table().twin);
  frames().record(mirror).state = FrameState::user;
  EXPECT_NE(run().find("is no table frame"), std::string::npos) << run();
  frames().record(mirror).state = FrameState::table;
  // A user table without its twin.
  const Ppn node = slot_of(page).node_ppn;
  u32& twin_number = frames().record(node).table().twin;
  const u32 first = twin_number;
  twin_number = no_frame;
  EXPECT_NE(run().find("no mirror at"), std::string::npos) << run();
  twin_number = first;
}
#endif

}  // namespace
