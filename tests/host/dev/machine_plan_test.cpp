// SPDX-License-Identifier: MIT
// Strategy: a good machine gives a good plan. Then the same machine with one lie each: at every extreme of every number
// in the description the plan is refused with a line, or it is one that can be carried out (plan_oracle.hpp). The guest
// does the same with whole trees on QEMU (tests/guest/machines_test.py), the fuzzer with random ones.
#include "dev/machine_plan.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "dev/plan_oracle.hpp"
#include "dev/tree_builder.hpp"

namespace {

using namespace dev;
using namespace dev_test;

MachineDescription read(const TreeOptions& options) {
  MachineDescription machine;
  EXPECT_EQ(read_device_tree(as_bytes(machine_tree(options)), machine), DeviceTreeError::none);
  return machine;
}

std::string refusal_of(const MachineDescription& machine, const BootFacts& facts = qemu_facts) {
  MachinePlan plan;
  const auto refusal = make_plan(machine, facts, plan);
  if (refusal) return std::string(refusal->why);
  const char* wrong = what_is_wrong(plan, machine, facts);
  EXPECT_EQ(wrong, nullptr) << wrong;
  return {};
}

TEST(MachinePlan, TakesQemusMachine) {
  for (const unsigned harts : {1u, 3u, 8u, 20u}) {
    for (const char* isa : {"rv64imafdc_sstc", "rv64imafdc"}) {
      const MachineDescription machine = read({.harts = harts, .isa = isa});
      MachinePlan plan;
      ASSERT_FALSE(make_plan(machine, qemu_facts, plan));
      EXPECT_EQ(what_is_wrong(plan, machine, qemu_facts), nullptr);
      EXPECT_EQ(plan.memory.size, 128u << 20);
      EXPECT_EQ(plan.device_tree.size, qemu_facts.device_tree.size);
      EXPECT_EQ(plan.hart_count, std::min(harts, qemu_facts.max_harts));
      EXPECT_EQ(plan.virtio_count, 8u);
      EXPECT_EQ(plan.finisher, 0x100000u);
    }
  }
}

TEST(MachinePlan, JoinsBanksThatTouchInAnyOrder) {
  MachineDescription machine = read({});
  constexpr u64 mib = 1 << 20;
  const MachineDescription::Region banks[] = {
      {0x86000000, 32 * mib}, {0x80000000, 32 * mib}, {0x82000000, 64 * mib}, {0x90000000, 64 * mib}};
  machine.memory_count = 4;
  std::copy(std::begin(banks), std::end(banks), machine.memory.begin());
  MachinePlan plan;
  ASSERT_FALSE(make_plan(machine, qemu_facts, plan));
  EXPECT_EQ(plan.memory.base, 0x80000000u);
  EXPECT_EQ(plan.memory.size, 128 * mib) << "all but the one behind a gap";
}

TEST(MachinePlan, SlotsAreInTheOrderOfTheirAddresses) {
  MachineDescription machine = read({});
  std::reverse(machine.virtio.begin(), machine.virtio.begin() + machine.virtio_count);
  MachinePlan plan;
  ASSERT_FALSE(make_plan(machine, qemu_facts, plan));
  for (u32 i = 0; i < plan.virtio_count; ++i) EXPECT_EQ(plan.virtio[i].registers.base, 0x10001000u + 0x1000 * i);
}

TEST(MachinePlan, RefusesWhatItCannotDoWithout) {
  const auto lie = [](const std::function<void(MachineDescription&)>& edit) {
    MachineDescription machine = read({});
    edit(machine);
    return refusal_of(machine);
  };
  const auto contains = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  for (const MachineDescription::Region memory : {MachineDescription::Region{0x90000000, 64 << 20},
                                                  {0x80010000, 64 << 20},
                                                  {0x80000000, 0x20000},
                                                  {0x80000000, 1}}) {
    EXPECT_TRUE(contains(lie([&](auto& m) { m.memory[0] = memory; }), "holds the kernel")) << memory.base;
  }
  EXPECT_TRUE(contains(lie([](auto& m) { m.memory[0].size = 31 << 20; }), "32 MiB"));
  EXPECT_TRUE(contains(lie([](auto& m) { m.memory[0].size = ~u64{0}; }), "2^64"));
  for (const u64 hertz : {u64{0}, u64{1}, u64{9}, u64{999}, ~u64{0}}) {
    EXPECT_TRUE(contains(lie([&](auto& m) { m.timebase_frequency = hertz; }), "timebase")) << hertz;
  }
  EXPECT_TRUE(contains(lie([](auto& m) { m.plics[0].registers.size = 0; }), "plic"));
  EXPECT_TRUE(contains(lie([](auto& m) { m.harts[0].software_interrupt = {}; }), "clint"));
  EXPECT_TRUE(contains(lie([](auto& m) { m.harts[0].id = 9; }), "hart that boots"));
  EXPECT_TRUE(contains(lie([](auto& m) { m.uart.interrupt = 0; }), "uart"));
  EXPECT_TRUE(contains(lie([](auto& m) { m.uart.interrupt = 54; }), "uart")) << "more than riscv,ndev";
  EXPECT_TRUE(contains(lie([](auto& m) { m.uart.registers.base = 0x84000000; }), "uart"));
}

TEST(MachinePlan, DoesWithoutTheRest) {
  MachineDescription machine = read({});
  machine.harts[1].software_interrupt = {};
  machine.harts[2].plic = MachineDescription::no_index;
  machine.virtio[3].registers.base = 0x83000000;
  machine.virtio[4].interrupt = 0;
  machine.finisher.base = 0x83000000;
  machine.memory[0].size = 64 << 20;
  MachinePlan plan;
  ASSERT_FALSE(make_plan(machine, qemu_facts, plan));
  EXPECT_EQ(what_is_wrong(plan, machine, qemu_facts), nullptr);
  EXPECT_EQ(plan.hart_count, 1u);
  EXPECT_EQ(plan.virtio_count, 6u);
  EXPECT_EQ(plan.finisher, 0u);
  EXPECT_EQ(plan.device_tree.size, 0u) << "it lies above the memory that is used";
  EXPECT_EQ(usable_finisher(machine, qemu_facts), 0u);
  EXPECT_EQ(usable_uart(machine, qemu_facts), 0x10000000u);
}

TEST(MachinePlan, EveryNumberAtItsExtremes) {
  // Each number of the description in turn; whole regions in pairs.
  using Edit = std::function<void(MachineDescription&, u64)>;
  const Edit edits[] = {
      [](auto& m, u64 v) { m.memory[0].base = v; },
      [](auto& m, u64 v) { m.memory[0].size = v; },
      [](auto& m, u64 v) { m.harts[0].id = static_cast<u32>(v); },
      [](auto& m, u64 v) { m.harts[0].plic_context = static_cast<u32>(v); },
      [](auto& m, u64 v) { m.harts[0].software_interrupt.base = v; },
      [](auto& m, u64 v) { m.harts[0].timer_compare.base = v; },
      [](auto& m, u64 v) { m.timebase_frequency = v; },
      [](auto& m, u64 v) { m.uart.registers.base = v; },
      [](auto& m, u64 v) { m.uart.registers.size = v; },
      [](auto& m, u64 v) { m.uart.interrupt = static_cast<u32>(v); },
      [](auto& m, u64 v) { m.plics[0].registers.base = v; },
      [](auto& m, u64 v) { m.plics[0].registers.size = v; },
      [](auto& m, u64 v) { m.plics[0].sources = static_cast<u32>(v); },
      [](auto& m, u64 v) { m.virtio[2].registers.base = v; },
      [](auto& m, u64 v) { m.virtio[2].registers.size = v; },
      [](auto& m, u64 v) { m.finisher.base = v; },
  };
  constexpr u64 values[] = {0,
                            1,
                            7,
                            0xfff,
                            0x1000,
                            0x0bfff000,
                            0x0bffffff,
                            0x0c000000,
                            0x7ffff000,
                            0x7fffffff,
                            0x80000000,
                            0x80000001,
                            0x8005f000,
                            0x80060000,
                            0x82000000,
                            0x87e00000,
                            0x88000000,
                            0xfffff000,
                            0xffffffff,
                            u64{1} << 32,
                            (u64{16} << 30) - 1,
                            u64{16} << 30,
                            u64{1} << 38,
                            u64{1} << 63,
                            ~u64{0} - 4095,
                            ~u64{0} - 0x7fffffff,
                            ~u64{0}};
  const MachineDescription good = read({.isa = "rv64imafdc"});
  for (usize one = 0; one < std::size(edits); ++one) {
    for (usize other = 0; other <= one; ++other) {
      for (const u64 a : values) {
        for (const u64 b : values) {
          MachineDescription machine = good;
          edits[one](machine, a);
          edits[other](machine, b);
          (void)refusal_of(machine);
        }
      }
    }
  }
}

}  // namespace
