// Strategy: one named test for each row of reliability.md 2.B that the host can show, in the words of the row, on the
// simulated machine: accesses go through the MMU and the adversarial TLB, whose complaints fail every test, and the
// invariant checker runs at the end of each. Operations that allocate are repeated with the n-th allocation failing
// until none is left to fail; afterwards every frame must be back. Random histories are world_test.cpp's part.
#include "mm/address_space.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "mm/check.hpp"
#include "mm/counters.hpp"
#include "mm/fake_file.hpp"
#include "mm/machine.hpp"
#include "mm/poison.hpp"

namespace {

using namespace mm_test;
using model::AccessKind;

constexpr u64 page = 4096, mib = u64{1} << 20, mega = 2 * mib, gib = u64{1} << 30;
constexpr bool is_unified = View::kind == abi::ViewKind::unified;

class AddressSpaceTest : public ::testing::Test {
 protected:
  AddressSpaceTest() : AddressSpaceTest(MachineOptions{.ram_bytes = 32 * mib}) {}
  explicit AddressSpaceTest(MachineOptions options) : machine_(options) { free_at_start_ = frames().free_count(); }
  ~AddressSpaceTest() override {
    Machine::fail_at(0);
    Machine::fail_all(false);
    check();
    while (!spaces_.empty()) end(spaces_.back().space);
    EXPECT_EQ(frames().free_count(), free_at_start_) << "a frame is lost or given back twice";
  }

  /// A program: text RX at 0, data RW behind it, one guard, one stack page. Runs on hart 0.
  AddressSpace& program(u64 text = page, u64 data = page) {
    const SpaceOwner owner = *machine_.make_owner();
    AddressSpace* space = *AddressSpace::create(owner);
    EXPECT_TRUE(space->map_segment(VirtAddr(0), text, Permissions::read_execute()));
    EXPECT_TRUE(space->map_segment(VirtAddr((text + page - 1) / page * page), data, Permissions::read_write()));
    EXPECT_TRUE(space->map_stack(1, 1));
    spaces_.push_back({space, owner});
    run(*space);
    return *space;
  }
  AddressSpace* fork(AddressSpace& parent) {
    const auto owner = machine_.make_owner();
    if (!owner) return nullptr;
    auto child = parent.fork(*owner);
    if (!child) {
      machine_.free_owner(*owner);
      return nullptr;
    }
    spaces_.push_back({*child, *owner});
    return *child;
  }
  void run(AddressSpace& space, unsigned hart = 0) {
    for (unsigned h = 0; h < arch::max_harts; ++h) {
      if (machine_.running(h) == &space && h != hart) machine_.become_hart(h), machine_.switch_to(nullptr);
    }
    machine_.become_hart(hart);
    machine_.switch_to(&space);
  }
  void end(AddressSpace* space) {
    for (unsigned h = 0; h < arch::max_harts; ++h) {
      if (machine_.running(h) == space) machine_.become_hart(h), machine_.switch_to(nullptr);
    }
    const auto at = std::find_if(spaces_.begin(), spaces_.end(), [&](const Made& made) { return made.space == space; });
    AddressSpace::destroy(space);
    machine_.free_owner(at->owner);
    spaces_.erase(at);
  }
  /// Everything that must hold at any time.
  void check() {
    machine_.check_tlbs();
    EXPECT_EQ(machine_.complaints(), "");
    struct Iteration {
      AddressSpaceTest* test;
      std::size_t next = 0;
    } iteration{this};
    const SpaceIterator each{[](void* context) -> AddressSpace* {
                               auto& it = *static_cast<Iteration*>(context);
                               return it.next < it.test->spaces_.size() ? it.test->spaces_[it.next++].space : nullptr;
                             },
                             &iteration};
    TextCollector text;
    const auto violations = check_invariants(each, {[](void*, void (*)(void*, Ppn), void*) {}, nullptr}, text.sink());
    if (violations) EXPECT_EQ(*violations, 0u) << text.text;
    EXPECT_FALSE(arch::host::this_sum) << "V16: SUM is clear outside copies";
  }
  /// Repeats `operation` with the n-th allocation failing until it succeeds; it must not cost a frame when it fails.
  void every_failure(const std::function<bool()>& operation) {
    for (unsigned n = 1; n < 2000; ++n) {
      const u64 before = frames().free_count();
      Machine::fail_at(n);
      const bool done = operation();
      Machine::fail_at(0);
      if (done) return;
      ASSERT_EQ(frames().free_count(), before) << "failure of allocation " << n;
      check();
    }
    FAIL() << "never succeeds";
  }
  void take_all_memory() {
    for (auto f = frames().allocate(FrameState::kernel); f; f = frames().allocate(FrameState::kernel))
      taken_.push_back(*f);
  }
  /// The next 512 frames that are handed out on hart 0 are an aligned 2 MiB in ascending order.
  void prepare_aligned_run() {
    run(*spaces_.front().space, 0);
    take_all_memory();
    std::sort(taken_.begin(), taken_.end());
    for (std::size_t i = 0; i + 512 <= taken_.size(); ++i) {
      if (taken_[i].value() % 512 != 0 || taken_[i + 511] - taken_[i] != 511) continue;
      for (std::size_t j = 512; j > 0; --j) frames().free(taken_[i + j - 1]);
      taken_.erase(taken_.begin() + static_cast<std::ptrdiff_t>(i),
                   taken_.begin() + static_cast<std::ptrdiff_t>(i) + 512);
      return;
    }
    FAIL() << "no aligned run is free";
  }
  void give_memory_back() {
    for (const Ppn ppn : taken_) frames().free(ppn);
    taken_.clear();
  }
  std::byte at(AddressSpace& space, u64 va) {
    run(space, 0);
    std::byte value{0xee};
    EXPECT_EQ(machine_.load(va, value), Outcome::done) << std::hex << va;
    return value;
  }
  Outcome put(AddressSpace& space, u64 va, int value) {
    run(space, 0);
    return machine_.store(va, static_cast<std::byte>(value));
  }
  static u64 events(VmEvent event) { return total(event); }
  u64 heap(AddressSpace& space) { return (space.program_break() + page - 1) / page * page; }

  struct Made {
    AddressSpace* space;
    SpaceOwner owner;
  };
  Machine machine_;
  u64 free_at_start_ = 0;
  std::vector<Made> spaces_;
  std::vector<Ppn> taken_;
};

// V1, V2, V4: lazy memory.

TEST_F(AddressSpaceTest, V1_ForkAndExitSkipWhatWasNeverTouched) {
  AddressSpace& parent = program();
  const u64 begin = heap(parent);
  ASSERT_TRUE(parent.grow(gib, Growth::lazy));
  EXPECT_EQ(put(parent, begin + gib / 2, 7), Outcome::done);
  const u64 before = frames().free_count();
  AddressSpace* child = fork(parent);
  ASSERT_NE(child, nullptr);
  EXPECT_LE(before - frames().free_count(), 16u) << "a hole costs nothing";
  EXPECT_EQ(at(*child, begin + gib / 2), std::byte{7});
  EXPECT_EQ(at(*child, begin), std::byte{0});
}

TEST_F(AddressSpaceTest, V2_EveryCopyMakesLazyMemoryPresent) {
  AddressSpace& space = program();
  const u64 begin = heap(space);
  ASSERT_TRUE(space.grow(64 * page, Growth::lazy));
  std::vector<std::byte> data(3 * page, std::byte{0x5a});
  EXPECT_TRUE(space.copy_out(VirtAddr(begin + 100), data.data(), data.size()).ok());
  EXPECT_EQ(at(space, begin + 100 + 3 * page - 1), std::byte{0x5a});
  std::vector<std::byte> back(2 * page, std::byte{1});
  EXPECT_TRUE(space.copy_in(back.data(), VirtAddr(begin + 20 * page + 5), back.size()).ok());
  EXPECT_TRUE(std::all_of(back.begin(), back.end(), [](std::byte b) { return b == std::byte{0}; }));
  char text[16] = "xxxxxxxxxxxxxxx";
  const CopyResult string = space.copy_in_string(text, VirtAddr(begin + 40 * page), sizeof text);
  EXPECT_TRUE(string.ok());
  EXPECT_EQ(string.copied, 1u);
  u32 number = 0;
  EXPECT_TRUE(space.copy_out(UserPtr<u32>(begin + 50 * page - 2), u32{0x12345678}).ok()) << "across two absent pages";
  EXPECT_TRUE(space.copy_in(number, UserPtr<u32>(begin + 50 * page - 2)).ok());
  EXPECT_EQ(number, 0x12345678u);
}

TEST_F(AddressSpaceTest, V4_AFailedFaultCostsNothingAndCanBeRepeated) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(16 * mega, Growth::lazy));
  u64 va = heap(space) - mega;
  for (int i = 0; i < 3; ++i, va -= 5 * mega) {
    every_failure([&] {
      const Outcome outcome = put(space, va, 9);
      EXPECT_NE(outcome, Outcome::killed_refused);
      return outcome == Outcome::done;
    });
  }
  EXPECT_GT(events(VmEvent::fault_out_of_memory), 0u);
}

TEST_F(AddressSpaceTest, V3_TheSpaceThatIsNamedIsTheOneThatIsUsed) {
  AddressSpace& running = program();
  const SpaceOwner owner = *machine_.make_owner();
  AddressSpace* other = *AddressSpace::create(owner);
  spaces_.push_back({other, owner});
  ASSERT_TRUE(other->map_segment(VirtAddr(0), 3 * page, Permissions::read_write()));
  ASSERT_TRUE(other->map_segment(VirtAddr(3 * page), page, Permissions::read_execute()));
  ASSERT_TRUE(other->map_stack(1, 1));
  ASSERT_TRUE(other->grow(page, Growth::lazy));
  run(running);
  const char text[] = "arguments";
  EXPECT_TRUE(other->copy_out(VirtAddr(2 * page - 4), text, sizeof text).ok()) << "exec copies into the new table";
  EXPECT_TRUE(other->copy_out(VirtAddr(other->program_break() - 8), text, 8).ok())
      << "a lazy page of a space that does not run";
  char back[16];
  EXPECT_TRUE(other->copy_in_string(back, VirtAddr(2 * page - 4), sizeof back).ok());
  EXPECT_STREQ(back, "arguments");
  std::memset(back, 0, sizeof back);
  EXPECT_TRUE(other->copy_in(back, VirtAddr(2 * page - 4), sizeof text).ok());
  EXPECT_STREQ(back, "arguments");
  EXPECT_EQ(other->copy_out(VirtAddr(3 * page), text, 1).status, CopyStatus::bad_address) << "code is not written to";
  EXPECT_NE(at(running, 4), std::byte{'a'});
  EXPECT_EQ(at(*other, 2 * page - 4), std::byte{'a'});
  EXPECT_EQ(at(*other, 2 * page), std::byte{'m'});
}

// V5 to V9: copy-on-write.

TEST_F(AddressSpaceTest, V5_ACopyByTheKernelBreaksSharing) {
  AddressSpace& parent = program();
  EXPECT_EQ(put(parent, page, 1), Outcome::done);
  AddressSpace* child = fork(parent);
  run(parent);
  const std::byte two{2};
  EXPECT_TRUE(parent.copy_out(VirtAddr(page), &two, 1).ok());
  EXPECT_EQ(at(*child, page), std::byte{1});
  EXPECT_EQ(at(parent, page), std::byte{2});
  EXPECT_EQ(events(VmEvent::fault_cow_copy), 1u);
}

TEST_F(AddressSpaceTest, V6_AChainOfForksIsPrivateAtEveryDepthInEveryOrder) {
  for (int order = 0; order < 6; ++order) {
    AddressSpace& first = program();
    EXPECT_EQ(put(first, page, 100), Outcome::done);
    std::vector<AddressSpace*> chain{&first};
    for (int depth = 1; depth < 8; ++depth) {
      run(*chain.back());
      chain.push_back(fork(*chain.back()));
      ASSERT_NE(chain.back(), nullptr);
    }
    std::vector<int> who{0, 1, 2, 3, 4, 5, 6, 7};
    for (int i = 0; i < order * 17; ++i) std::next_permutation(who.begin(), who.end());
    if (order == 5) std::reverse(who.begin(), who.end());
    for (const int w : who) EXPECT_EQ(put(*chain[static_cast<std::size_t>(w)], page, w), Outcome::done);
    for (const int w : who) EXPECT_EQ(at(*chain[static_cast<std::size_t>(w)], page), static_cast<std::byte>(w));
    check();
    while (!chain.empty()) end(chain.back()), chain.pop_back();
  }
}

TEST_F(AddressSpaceTest, V7_TheLastOwnerTakesThePageOverWithoutACopy) {
  AddressSpace& parent = program();
  EXPECT_EQ(put(parent, page, 1), Outcome::done);
  AddressSpace* child = fork(parent);
  EXPECT_EQ(put(*child, page, 2), Outcome::done);
  const u64 copies = events(VmEvent::fault_cow_copy);
  EXPECT_EQ(put(parent, page, 3), Outcome::done);
  EXPECT_EQ(events(VmEvent::fault_cow_copy), copies);
  EXPECT_GE(events(VmEvent::fault_cow_reuse), 1u);
  EXPECT_EQ(at(*child, page), std::byte{2});
}

TEST_F(AddressSpaceTest, V8_NoMemoryForACopyHurtsOnlyTheWriter) {
  AddressSpace& parent = program();
  EXPECT_EQ(put(parent, page, 1), Outcome::done);
  AddressSpace* child = fork(parent);
  run(*child);
  Machine::fail_all(true);
  EXPECT_EQ(machine_.store(page, std::byte{2}), Outcome::killed_no_memory);
  const std::byte three{3};
  EXPECT_EQ(child->copy_out(VirtAddr(page), &three, 1).status, CopyStatus::no_memory);
  Machine::fail_all(false);
  EXPECT_EQ(at(parent, page), std::byte{1});
  EXPECT_EQ(at(*child, page), std::byte{1});
  end(child);
  EXPECT_EQ(put(parent, page, 5), Outcome::done);
}

TEST_F(AddressSpaceTest, V9_ForkIsASnapshotWhateverTheTlbRemembers) {
  AddressSpace& parent = program(page, 40 * page);
  for (u64 i = 1; i < 40; ++i) EXPECT_EQ(put(parent, i * page, 1), Outcome::done);  // cached as writable
  run(parent, 2);
  for (u64 i = 1; i < 40; ++i) {
    std::byte value{};
    EXPECT_EQ(machine_.load(i * page, value), Outcome::done);  // cached on a second hart too
  }
  AddressSpace* child = fork(parent);
  for (u64 i = 1; i < 40; ++i) EXPECT_EQ(machine_.store(i * page, std::byte{2}), Outcome::done);
  run(parent, 0);  // the first hart owes a fence before it runs the space again
  for (u64 i = 1; i < 40; ++i) EXPECT_EQ(machine_.store(i * page + 1, std::byte{3}), Outcome::done);
  for (u64 i = 1; i < 40; ++i) EXPECT_EQ(at(*child, i * page), std::byte{1});
}

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

// V15, V20, V21, V23, V24: addresses.

TEST_F(AddressSpaceTest, V15_TheEdgeOfTheMirrorIsNoEdgeForPrograms) {
  AddressSpace& space = program();
  constexpr u64 edge = 0xC000000;
  ASSERT_TRUE(space.grow(edge + 3 * page - space.program_break(), Growth::lazy));
  std::vector<std::byte> data(3 * page, std::byte{0x33}), back(3 * page);
  EXPECT_TRUE(space.copy_out(VirtAddr(edge - page - 7), data.data(), data.size()).ok());
  EXPECT_TRUE(space.copy_in(back.data(), VirtAddr(edge - page - 7), back.size()).ok());
  EXPECT_EQ(data, back);
  EXPECT_EQ(at(space, edge), std::byte{0x33});
  EXPECT_EQ(at(space, edge - 1), std::byte{0x33});
  // A string across the edge.
  std::byte text[4] = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}, std::byte{0}};
  EXPECT_TRUE(space.copy_out(VirtAddr(edge - 2), text, 4).ok());
  char string[8];
  const CopyResult result = space.copy_in_string(string, VirtAddr(edge - 2), sizeof string);
  EXPECT_TRUE(result.ok());
  EXPECT_STREQ(string, "abc");
  // From there on to the end of the mapped memory, and beyond.
  EXPECT_EQ(space.copy_in(back.data(), VirtAddr(edge + 2 * page), 3 * page).copied, page);
}

TEST_F(AddressSpaceTest, V20_V21_TheBoundaryLattice) {
  AddressSpace& space = program();
  FakeFile file(page);
  const u64 top = abi::user_top, brk = space.program_break();
  const u64 addresses[] = {0,
                           1,
                           page - 1,
                           page,
                           brk - 1,
                           brk,
                           brk + 1,
                           brk + page,
                           0xC000000,
                           0x80000000,
                           top - 4 * page,
                           top - 3 * page,
                           top - page,
                           top - 1,
                           top,
                           top + 1,
                           u64{1} << 39,
                           u64{1} << 40,
                           u64{1} << 63,
                           ~u64{0} - 4095,
                           ~u64{0} - 1,
                           ~u64{0},
                           0xeaeb0b5b00002f5e,
                           0xffffffff};
  std::vector<std::byte> buffer(64);
  const u64 before = frames().free_count();
  for (const u64 a : addresses) {
    for (const u64 n : addresses) {
      if (n == 0 || (a + n <= brk && a + n > a)) continue;
      EXPECT_FALSE(space.unmap(VirtAddr(a), n)) << std::hex << a << " " << n;
      if (n > 64) continue;
      const CopyResult in = space.copy_in(buffer.data(), VirtAddr(a), n);
      const CopyResult out = space.copy_out(VirtAddr(a), buffer.data(), n);
      EXPECT_LE(in.copied, n);
      EXPECT_LE(out.copied, n);
      if (a >= AddressSpace::user_limit) {
        EXPECT_EQ(in.copied, 0u) << "neither USYSCALL nor TRAPFRAME nor TRAMPOLINE, nor what lies above";
        EXPECT_EQ(out.copied, 0u);
      }
    }
    char string[8];
    if (a >= AddressSpace::user_limit)
      EXPECT_EQ(space.copy_in_string(string, VirtAddr(a), 8).status, CopyStatus::bad_address);
    EXPECT_TRUE(space.copy_in(buffer.data(), VirtAddr(a), 0).ok() || a >= AddressSpace::user_limit)
        << "nothing to copy";
    if (a >= AddressSpace::user_limit) {
      EXPECT_EQ(space.fault(VirtAddr(a), Access::write), FaultResult::refused);
      EXPECT_FALSE(space.page_in(VirtAddr(a), Access::read));
    }
    if (a >= top) EXPECT_FALSE(space.logical_pte(VirtAddr(a)).is_valid());
    EXPECT_EQ(space.take_accessed(VirtAddr(a), 0), 0u);
    (void)space.take_accessed(VirtAddr(a), 64);
    // Lengths as mmap and sbrk see them. What succeeds is taken back.
    if (auto at = space.map_anonymous(a, Permissions::read_write(), Sharing::private_copy)) {
      EXPECT_TRUE(a > 0 && a < top);
      EXPECT_TRUE(space.unmap(*at, a));
    }
    if (auto at = space.map_inaccessible(a)) EXPECT_TRUE(space.unmap(*at, a));
    if (auto at = space.map_file(a, Permissions::read_only(), Sharing::shared, file, 0))
      EXPECT_TRUE(space.unmap(*at, a));
    EXPECT_FALSE(space.map_file(page, Permissions::read_only(), Sharing::shared, file, a | 1)) << "unaligned offset";
    EXPECT_FALSE(space.map_file(~u64{0}, Permissions::read_only(), Sharing::shared, file, page));
    if (auto old = space.grow(a, Growth::lazy)) {
      EXPECT_EQ(*old, brk);
      ASSERT_EQ(space.program_break(), brk + a) << std::hex << a;
      space.shrink(a);
    }
    ASSERT_EQ(space.program_break(), brk);
  }
  EXPECT_EQ(file.holders(), 0u);
  EXPECT_LE(before - frames().free_count(), 8u) << "tables stay, memory does not";
}

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

TEST_F(AddressSpaceTest, AProgramMayReachTheGigabyteOfTheFixedPages) {
  AddressSpace& space = program();
  constexpr u64 high = abi::usyscall - 64 * mega;
  ASSERT_TRUE(space.grow(high + page - space.program_break(), Growth::lazy));
  EXPECT_EQ(put(space, high, 7), Outcome::done) << "in the table that also leads to the fixed pages";
  AddressSpace* child = fork(space);
  EXPECT_EQ(at(*child, high), std::byte{7});
  // The fixture demands every frame back, and none twice, when both end.
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

TEST_F(AddressSpaceTest, AProgramMaySpanManyGigabytes) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(9 * gib, Growth::lazy));
  for (const u64 va : {gib - page, gib, 3 * gib + 5, 8 * gib + mega}) EXPECT_EQ(put(space, va, 3), Outcome::done);
  AddressSpace* child = fork(space);
  for (const u64 va : {gib - page, gib, 3 * gib + 5, 8 * gib + mega}) EXPECT_EQ(at(*child, va), std::byte{3});
  run(space);
  space.shrink(6 * gib);
  EXPECT_EQ(put(space, 8 * gib, 1), Outcome::killed_refused);
}

TEST_F(AddressSpaceTest, TheBreakMovesInsideOnePage) {  // sbrkbugs, sbrklast
  AddressSpace& space = program();
  const u64 old = space.program_break();
  EXPECT_EQ(put(space, old - 1, 9), Outcome::done);
  space.shrink(10);
  EXPECT_EQ(at(space, old - 1), std::byte{9}) << "the page is still the program's";
  ASSERT_TRUE(space.grow(20, Growth::eager));
  EXPECT_EQ(put(space, old + 5, 1), Outcome::done);
  space.shrink(space.program_break() - 3500);
  EXPECT_EQ(space.program_break(), 3500u);
  ASSERT_TRUE(space.grow(page, Growth::lazy));
  EXPECT_EQ(put(space, page + 5, 1), Outcome::done) << "data again where there was data";
}

TEST_F(AddressSpaceTest, V23_LazySbrkStopsBelowTheFixedPagesAndBelowMappings) {
  AddressSpace& space = program();
  const u64 old = space.program_break();
  EXPECT_FALSE(space.grow(AddressSpace::user_limit - old + 1, Growth::lazy));
  ASSERT_TRUE(space.grow(AddressSpace::user_limit - old, Growth::lazy));
  EXPECT_EQ(put(space, AddressSpace::user_limit - 1, 5), Outcome::done);
  EXPECT_EQ(put(space, AddressSpace::user_limit, 5), Outcome::killed_refused);
  EXPECT_EQ(put(space, abi::usyscall, 5), Outcome::killed_refused);
  EXPECT_FALSE(space.map_anonymous(page, Permissions::read_write(), Sharing::private_copy)) << "no room is left";
  space.shrink(AddressSpace::user_limit - old);
  const u64 mapping = space.map_anonymous(page, Permissions::read_write(), Sharing::private_copy)->value();
  EXPECT_FALSE(space.grow(mapping + 1 - old, Growth::lazy));
  EXPECT_TRUE(space.grow(mapping - old, Growth::lazy));
}

TEST_F(AddressSpaceTest, V23_APageStaysFreeBetweenTheBreakAndTheMappings) {
  AddressSpace& space = program();
  const u64 room = AddressSpace::user_limit - heap(space);
  EXPECT_FALSE(space.map_inaccessible(room));
  EXPECT_TRUE(space.map_inaccessible(room - page));
}

TEST_F(AddressSpaceTest, V24_TheGuardStopsTheProgramAndTheKernelsCopies) {
  AddressSpace& space = program();
  const u64 stack = space.program_break() - page, guard = stack - page;
  std::byte value{};
  EXPECT_EQ(put(space, stack, 1), Outcome::done);
  for (const u64 va : {guard, guard + page / 2, stack - 1}) {
    EXPECT_EQ(machine_.load(va, value), Outcome::killed_refused);
    EXPECT_EQ(put(space, va, 1), Outcome::killed_refused);
    EXPECT_EQ(space.copy_out(VirtAddr(va), &value, 1).status, CopyStatus::bad_address);
    EXPECT_EQ(space.copy_in(&value, VirtAddr(va), 1).status, CopyStatus::bad_address);
    char c;
    EXPECT_EQ(space.copy_in_string(&c, VirtAddr(va), 1).status, CopyStatus::bad_address);
  }
  EXPECT_TRUE(space.logical_pte(VirtAddr(guard)).is_valid());
  EXPECT_FALSE(space.logical_pte(VirtAddr(guard)).is_user());
  AddressSpace* child = fork(space);
  run(*child);
  EXPECT_EQ(machine_.load(guard, value), Outcome::killed_refused);
}

// V17, V18: superpages.

TEST_F(AddressSpaceTest, V17_PartOfASuperpageCanBeGivenBackWithNoMemoryLeft) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
  ASSERT_TRUE(space.grow(2 * mega, Growth::eager));
  EXPECT_EQ(events(VmEvent::superpage_mapped), 2u) << "the test needs superpages";
  for (u64 va = mega; va < 3 * mega; va += page) EXPECT_EQ(put(space, va, static_cast<int>(va / page)), Outcome::done);
  AddressSpace* child = fork(space);
  EXPECT_EQ(events(VmEvent::superpage_shared), 2u);
  take_all_memory();
  Machine::fail_all(true);
  run(space);
  space.shrink(page);
  EXPECT_GE(events(VmEvent::superpage_split), 1u);
  EXPECT_GE(events(VmEvent::compound_converted), 1u);
  EXPECT_EQ(put(space, 3 * mega - page, 1), Outcome::killed_refused);
  // Copy-on-write of a shared superpage: no memory for the copy hurts nobody; the freed page is enough for one.
  EXPECT_EQ(put(space, mega, 99), Outcome::killed_no_memory);
  Machine::fail_all(false);
  give_memory_back();
  EXPECT_EQ(put(space, mega, 99), Outcome::done);
  for (u64 va = mega; va < 3 * mega; va += page) {
    ASSERT_EQ(at(*child, va), static_cast<std::byte>(va / page)) << std::hex << va;
    if (va != mega && va < 3 * mega - page) ASSERT_EQ(at(space, va), static_cast<std::byte>(va / page));
  }
  end(child);
  run(space);
  EXPECT_EQ(put(space, 2 * mega + 5, 1), Outcome::done);
}

TEST_F(AddressSpaceTest, V17_ASoleOwnerWritesASharedSuperpageWithoutCopyOrSplit) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
  ASSERT_TRUE(space.grow(mega, Growth::eager));
  EXPECT_EQ(put(space, mega, 1), Outcome::done);
  AddressSpace* child = fork(space);
  end(child);
  EXPECT_EQ(put(space, mega + 5, 2), Outcome::done);
  EXPECT_EQ(events(VmEvent::fault_cow_copy), 0u);
  EXPECT_EQ(events(VmEvent::superpage_split), 0u);
  EXPECT_EQ(space.figures().megapages, 1u);
}

TEST_F(AddressSpaceTest, V18_SplitAndPromotionLeaveNoOldTranslation) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
  ASSERT_TRUE(space.grow(mega, Growth::eager));
  for (const unsigned hart : {0u, 1u, 2u}) {
    run(space, hart);
    for (u64 va = mega; va < 2 * mega; va += 64 * page) EXPECT_EQ(machine_.store(va, std::byte{7}), Outcome::done);
  }
  space.shrink(3 * page);  // on hart 2: splits
  for (const unsigned hart : {2u, 0u, 1u}) {
    run(space, hart);
    EXPECT_EQ(machine_.store(2 * mega - page, std::byte{1}), Outcome::killed_refused);
    EXPECT_EQ(machine_.store(mega + 64 * page, std::byte{8}), Outcome::done);
  }
}

TEST_F(AddressSpaceTest, ARangeThatFillsUpBecomesASuperpage) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
  ASSERT_TRUE(space.grow(mega, Growth::lazy));
  EXPECT_EQ(put(space, mega, 1), Outcome::done);  // the table comes now ...
  space.shrink(mega);  // ... and stays
  ASSERT_TRUE(space.grow(mega, Growth::lazy));
  prepare_aligned_run();
  for (u64 va = mega; va < 2 * mega; va += page) EXPECT_EQ(put(space, va, static_cast<int>(va / page)), Outcome::done);
  give_memory_back();
  EXPECT_EQ(events(VmEvent::superpage_promoted), 1u);
  EXPECT_EQ(space.figures().megapages, 1u);
  for (u64 va = mega; va < 2 * mega; va += page) ASSERT_EQ(at(space, va), static_cast<std::byte>(va / page));
  AddressSpace* child = fork(space);
  EXPECT_EQ(put(space, mega, 1), Outcome::done);
  EXPECT_EQ(at(*child, mega), static_cast<std::byte>(mega / page));
}

TEST_F(AddressSpaceTest, AMappingThatFillsUpBecomesASuperpage) {
  AddressSpace& space = program();
  ASSERT_TRUE(space.map_inaccessible(AddressSpace::user_limit % mega));  // aligns what follows
  const u64 begin = space.map_anonymous(mega, Permissions::read_write(), Sharing::private_copy)->value();
  EXPECT_EQ(put(space, begin, 3), Outcome::done);
  ASSERT_TRUE(space.unmap(VirtAddr(begin), mega));  // its table stays
  ASSERT_EQ(space.map_anonymous(mega, Permissions::read_write(), Sharing::private_copy)->value(), begin);
  prepare_aligned_run();
  for (u64 va = begin; va < begin + mega; va += page)
    EXPECT_EQ(put(space, va, static_cast<int>(va / page)), Outcome::done);
  give_memory_back();
  EXPECT_EQ(events(VmEvent::superpage_promoted), 1u) << "although most of its pages came ahead of their faults";
  for (u64 va = begin; va < begin + mega; va += page) ASSERT_EQ(at(space, va), static_cast<std::byte>(va / page));
}

TEST_F(AddressSpaceTest, PromotionStaysInsideOneRegion) {
  // Two mappings of 1 MiB that together fill 2 MiB: each keeps its own life.
  AddressSpace& space = program();
  const u64 gap = (AddressSpace::user_limit % mega);
  ASSERT_TRUE(space.map_anonymous(gap, Permissions::read_write(), Sharing::private_copy));  // align what follows
  const u64 upper = space.map_anonymous(mib, Permissions::read_write(), Sharing::private_copy)->value();
  const u64 lower = space.map_anonymous(mib, Permissions::read_write(), Sharing::private_copy)->value();
  ASSERT_EQ(lower % mega, 0u);
  ASSERT_EQ(upper, lower + mib);
  EXPECT_EQ(put(space, lower, 3), Outcome::done);
  ASSERT_TRUE(space.unmap(VirtAddr(lower), mib));  // its table stays
  ASSERT_EQ(space.map_anonymous(mib, Permissions::read_write(), Sharing::private_copy)->value(), lower);
  prepare_aligned_run();
  for (u64 va = lower; va < lower + mega; va += page) EXPECT_EQ(put(space, va, 3), Outcome::done);
  give_memory_back();
  EXPECT_EQ(events(VmEvent::superpage_promoted), 0u);
  check();
  AddressSpace* child = fork(space);
  ASSERT_NE(child, nullptr);
  check();
  run(space);
  EXPECT_TRUE(space.unmap(VirtAddr(upper), mib));
  EXPECT_EQ(at(*child, upper), std::byte{3});
  EXPECT_EQ(at(space, lower), std::byte{3});
}

// V26 to V29: files.

TEST_F(AddressSpaceTest, V26_V27_ACopyNeverSleepsForAFilePage) {
  FakeFile file(3 * page);
  AddressSpace& space = program();
  const u64 va = space.map_file(3 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  std::byte buffer[16] = {};
  EXPECT_EQ(space.copy_in(buffer, VirtAddr(va), 16).status, CopyStatus::needs_page_in);
  EXPECT_EQ(space.copy_out(VirtAddr(va), buffer, 16).status, CopyStatus::needs_page_in);
  char c;
  EXPECT_EQ(space.copy_in_string(&c, VirtAddr(va), 1).status, CopyStatus::needs_page_in);
  EXPECT_TRUE(space.page_in(VirtAddr(va), Access::read));
  EXPECT_TRUE(space.copy_in(buffer, VirtAddr(va), 16).ok());
  EXPECT_EQ(buffer[1], file.truth(0)[1]);
  EXPECT_TRUE(space.copy_out(VirtAddr(va), buffer, 16).ok()) << "read before, written now: no file work is needed";
  // Stops where the file page is missing, after what came before it.
  const u64 anonymous = space.map_anonymous(page, Permissions::read_write(), Sharing::private_copy)->value();
  ASSERT_EQ(anonymous + page, va);
  ASSERT_TRUE(space.unmap(VirtAddr(va), page));
  const u64 again = space.map_file(page, Permissions::read_write(), Sharing::shared, file, page)->value();
  ASSERT_EQ(again, va) << "the gap is used again";
  const CopyResult partial = space.copy_in(buffer, VirtAddr(va - 8), 16);
  EXPECT_EQ(partial.copied, 8u);
  EXPECT_EQ(partial.status, CopyStatus::needs_page_in);
  end(&space);
}

TEST_F(AddressSpaceTest, V29_SharedStoresReachTheFileOnceAndPrivateOnesNever) {
  FakeFile file(2 * page + 100);
  AddressSpace& space = program();
  const u64 shared = space.map_file(3 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  const u64 priv = space.map_file(3 * page, Permissions::read_write(), Sharing::private_copy, file, 0)->value();
  EXPECT_EQ(at(space, priv + 5), file.truth(0)[5]);
  EXPECT_EQ(put(space, shared + 5, 0xaa), Outcome::done);
  EXPECT_EQ(at(space, priv + 5), std::byte{0xaa}) << "not yet copied: the file's page shows through";
  EXPECT_EQ(put(space, priv + 6, 0xbb), Outcome::done);
  EXPECT_EQ(put(space, shared + 5, 0xac), Outcome::done);
  EXPECT_EQ(at(space, priv + 5), std::byte{0xaa}) << "copied by the first store";
  EXPECT_NE(at(space, shared + 6), std::byte{0xbb});
  file.truth(0)[5] = std::byte{0xac};
  // The page that holds the end of the file is zero behind it; a page wholly beyond is not there.
  EXPECT_EQ(at(space, shared + 2 * page + 100), std::byte{0});
  EXPECT_EQ(put(space, shared + 2 * page + 200, 1), Outcome::done);
  std::byte value{};
  EXPECT_EQ(machine_.load(shared + 3 * page, value), Outcome::killed_refused);
  // The middle goes; the rest stays.
  EXPECT_TRUE(space.unmap(VirtAddr(shared + page), page));
  EXPECT_EQ(machine_.load(shared + page, value), Outcome::killed_refused);
  EXPECT_EQ(at(space, shared + 5), std::byte{0xac});
  AddressSpace* child = fork(space);
  end(&space);
  EXPECT_EQ(at(*child, shared + 5), std::byte{0xac});
  EXPECT_EQ(at(*child, priv + 6), std::byte{0xbb});
  end(child);
  EXPECT_EQ(file.holders(), 0u);
  EXPECT_EQ(file.cached_pages(), 0u);
  EXPECT_TRUE(file.matches_disk()) << "written back once, never past the end";
}

TEST_F(AddressSpaceTest, FilePagesSurviveEveryFailureAndEveryReadError) {
  FakeFile file(4 * page);
  AddressSpace& space = program();
  const u64 shared = space.map_file(4 * page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  const u64 priv = space.map_file(4 * page, Permissions::read_write(), Sharing::private_copy, file, 0)->value();
  for (const u64 base : {shared, priv}) {
    for (u64 i = 0; i < 4; ++i) {
      Outcome outcome = Outcome::killed_no_memory;
      for (unsigned n = 1; outcome != Outcome::done; ++n) {
        ASSERT_LT(n, 20u);
        Machine::fail_at(n);
        outcome = put(space, base + i * page, 1);
        Machine::fail_at(0);
        EXPECT_NE(outcome, Outcome::killed_refused);
        check();
      }
      if (base == shared) file.truth(i)[0] = std::byte{1};
    }
  }
  ASSERT_TRUE(space.unmap(VirtAddr(shared), 4 * page));
  ASSERT_TRUE(space.unmap(VirtAddr(priv), 4 * page));
  const u64 again = space.map_file(4 * page, Permissions::read_only(), Sharing::private_copy, file, 0)->value();
  file.fail_read(1);
  std::byte value{};
  EXPECT_EQ(machine_.load(again, value), Outcome::killed_refused) << "a read error is no reason to go on";
  EXPECT_EQ(at(space, again), std::byte{1}) << "the next one works";
  EXPECT_EQ(put(space, again, 1), Outcome::killed_refused) << "read-only";
  ASSERT_TRUE(space.unmap(VirtAddr(again), 4 * page));
  EXPECT_TRUE(file.matches_disk());
}

// Failing allocations, one operation after the other.

TEST_F(AddressSpaceTest, AFilePageThatNeedsATableIsAllOrNothing) {
  AddressSpace& space = program();
  FakeFile file(page);
  ASSERT_TRUE(space.map_inaccessible(AddressSpace::user_limit % mega + mega));  // below are no tables yet
  const u64 at = space.map_file(page, Permissions::read_only(), Sharing::shared, file, 0)->value();
  every_failure([&] {
    std::byte value{};
    return machine_.load(at, value) == Outcome::done;
  });
  EXPECT_TRUE(space.unmap(VirtAddr(at), page));
  EXPECT_EQ(file.cached_pages(), 0u);
}

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
  every_failure([&] { return space->grow(2 * mega - space->program_break() % mega, Growth::legacy).has_value(); });
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

// V33, V37, V38 and the sbrk rule.

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
  ASSERT_TRUE(greedy.grow(gib, Growth::legacy)) << "large requests become lazy";
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

TEST_F(AddressSpaceTest, TheSbrkRule) {
  AddressSpace& space = program();
  const u64 old = space.program_break();
  EXPECT_EQ(space.grow(0, Growth::eager), old);
  EXPECT_EQ(space.grow(100, Growth::eager), old);
  space.shrink(50);
  EXPECT_EQ(space.program_break(), old + 50);
  EXPECT_FALSE(space.grow(u64{1} << 63, Growth::eager));
  EXPECT_EQ(space.grow(gib, Growth::eager).error(), lib::Error::no_memory) << "eager: memory or failure";
  EXPECT_EQ(space.grow(18 * mib, Growth::legacy), old + 50);
  EXPECT_EQ(space.grow(15 * mib, Growth::legacy).error(), lib::Error::no_memory) << "small: failure";
  EXPECT_TRUE(space.grow(gib, Growth::legacy)) << "large: addresses";
  space.shrink(space.program_break());
  EXPECT_EQ(space.program_break(), 0u);
  std::byte value{};
  EXPECT_EQ(machine_.load(0, value), Outcome::killed_refused);
  EXPECT_TRUE(space.grow(page, Growth::eager));
  EXPECT_EQ(at(space, 0), std::byte{0});
}

TEST_F(AddressSpaceTest, PageByPageSbrkTakesTheLastFrame) {  // sysinfotest
  AddressSpace& space = program();
  while (space.grow(page, Growth::eager)) {
  }
  EXPECT_EQ(frames().free_count(), 0u);
}

TEST_F(AddressSpaceTest, PageByPageSbrkTakesTheLastFramesForTablesToo) {  // sysinfotest; COMMON: kept by the space
  for (u64 left = 0; left < 6; ++left) {
    AddressSpace& space = program();
    const u64 tables = events(VmEvent::table_allocated) - events(VmEvent::table_freed);
    ASSERT_TRUE(space.grow(mega - space.program_break(), Growth::eager));
    take_all_memory();
    for (u64 i = 0; i < left; ++i) {
      frames().free(taken_.back());
      taken_.pop_back();
    }
    // The next page needs a table (in `mirrored` two) besides itself.
    u64 grown = 0;
    while (space.grow(page, Growth::eager)) ++grown;
    EXPECT_EQ(frames().free_count(), 0u) << left << " frames were left";
    EXPECT_LT(grown, left == 0 ? 1 : left);
    give_memory_back();
    // What was kept becomes the table.
    const u64 before = frames().free_count();
    ASSERT_TRUE(space.grow(page, Growth::eager));
    EXPECT_LE(before - frames().free_count(), 3u);
    end(&space);
    EXPECT_LE(events(VmEvent::table_allocated) - events(VmEvent::table_freed), tables);
  }
}

TEST_F(AddressSpaceTest, TablesStayWhenAProgramShrinks) {  // xv6-abi 6, item 5
  AddressSpace& space = program();
  ASSERT_TRUE(space.grow(3 * mega, Growth::eager));
  space.shrink(3 * mega);
  const u64 before = frames().free_count();
  const u64 tables = events(VmEvent::table_allocated) - events(VmEvent::table_freed);
  ASSERT_TRUE(space.grow(3 * mega, Growth::eager));
  EXPECT_EQ(before - frames().free_count(), 3 * mega / page) << "the same memory again costs its pages only";
  EXPECT_EQ(events(VmEvent::table_allocated) - events(VmEvent::table_freed), tables);
}

TEST_F(AddressSpaceTest, LogicalPteShowsWhatTheProgramWasPromised) {
  AddressSpace& space = program();
  FakeFile file(page);
  const u64 shared = space.map_file(page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  EXPECT_FALSE(space.logical_pte(VirtAddr(shared)).is_valid());
  EXPECT_EQ(at(space, shared), file.truth(0)[0]);
  EXPECT_TRUE(space.logical_pte(VirtAddr(shared)).allows(Access::write)) << "withheld until the first store";
  AddressSpace* child = fork(space);
  for (AddressSpace* s : {&space, child}) {
    EXPECT_TRUE(s->logical_pte(VirtAddr(page)).allows(Access::write)) << "copy-on-write";
    EXPECT_FALSE(s->logical_pte(VirtAddr(0)).allows(Access::write));
  }
  end(child);
  run(space);
  ASSERT_TRUE(space.unmap(VirtAddr(shared), page));
}

TEST_F(AddressSpaceTest, PrintingShowsEveryEntryInBothFormats) {
  AddressSpace& space = program();
  TextCollector index, address;
  space.print(TableFormat::by_index, index.sink());
  space.print(TableFormat::by_address, address.sink());
  EXPECT_NE(index.text.find("\n..0: pte 0x"), std::string::npos) << index.text;
  EXPECT_NE(index.text.find("\n.. ..0: pte 0x"), std::string::npos);
  EXPECT_NE(index.text.find("\n.. .. ..511: pte 0x"), std::string::npos) << "the trampoline";
  EXPECT_NE(address.text.find("\n ..0x0000000000000000: pte 0x"), std::string::npos) << address.text;
  EXPECT_NE(address.text.find("\n .. .. ..0x0000003ffffff000: pte 0x"), std::string::npos);
  EXPECT_EQ(std::count(index.text.begin(), index.text.end(), '\n'),
            std::count(address.text.begin(), address.text.end(), '\n'));
  const TableFigures figures = space.figures();
  EXPECT_EQ(figures.resident_pages, 4u) << "text, data, stack, USYSCALL";
  EXPECT_EQ(figures.table_frames, 5u);
  EXPECT_EQ(figures.megapages, 0u);
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
  AddressSpace::activate_kernel();
  if (is_unified) EXPECT_EQ(machine_.tlb().root(0), kernel_space().root().address().value());
  machine_.switch_to(nullptr);
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
