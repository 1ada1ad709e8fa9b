// SPDX-License-Identifier: MIT
#pragma once
// What the tests of the address space share. Their strategy: one named test for each row of docs/failures.md V that
// the host can show, in the words of the row, on the simulated machine: accesses go through the MMU and the
// adversarial TLB, whose complaints fail every test, and the invariant checker runs at the end of each. Operations
// that allocate are repeated with the n-th allocation failing until none is left to fail; afterwards every frame must
// be back. Random histories are world_test.cpp's part.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "mm/address_space.hpp"
#include "mm/check.hpp"
#include "mm/counters.hpp"
#include "mm/machine.hpp"

namespace mm_test {

inline constexpr u64 page = 4096, mib = u64{1} << 20, mega = 2 * mib, gib = u64{1} << 30;
inline constexpr bool is_unified = View::kind == abi::ViewKind::unified;

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
    const auto violations = check_invariants(each, text.sink());
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
  static u64 heap(AddressSpace& space) { return (space.program_break() + page - 1) / page * page; }

  struct Made {
    AddressSpace* space;
    SpaceOwner owner;
  };
  Machine machine_;
  u64 free_at_start_ = 0;
  std::vector<Made> spaces_;
  std::vector<Ppn> taken_;
};

}  // namespace mm_test
