// SPDX-License-Identifier: MIT
// Strategy: trees of many shapes are written by Debian's libfdt and read by both it and us; the answers must agree.
// Then damaged trees: each header field at its extremes, every truncation, every single byte flipped in turn. The blob
// lies in memory of exactly its size, so that ASan sees any read outside. tests/fuzz/device_tree_fuzz.cpp goes on.
#include "dev/device_tree.hpp"

#include <gtest/gtest.h>

#include <random>

#include "dev/tree_builder.hpp"

namespace {

using namespace dev;
using namespace dev_test;

void expect_agreement(const std::vector<std::uint8_t>& blob, const TreeOptions& o) {
  MachineDescription machine;
  ASSERT_EQ(read_device_tree(as_bytes(blob), machine), DeviceTreeError::none);
  const Oracle oracle = ask_libfdt(blob);
  ASSERT_TRUE(oracle.readable);
  ASSERT_EQ(machine.memory_count, 1u);
  EXPECT_EQ(machine.memory[0].base, oracle.memory_base);
  EXPECT_EQ(machine.memory[0].size, oracle.memory_size);
  EXPECT_EQ(machine.hart_count, oracle.harts);
  EXPECT_EQ(machine.virtio_count,
            oracle.virtio < MachineDescription::max_virtio ? oracle.virtio : MachineDescription::max_virtio);
  EXPECT_EQ(machine.uart.registers.base, oracle.uart);
  ASSERT_EQ(machine.plic_count, 1u);
  EXPECT_EQ(machine.plics[0].registers.base, oracle.plic);
  EXPECT_EQ(machine.finisher.base, oracle.finisher);
  EXPECT_EQ(machine.timebase_frequency, oracle.timebase);
  EXPECT_EQ(machine.boot_arguments(), oracle.bootargs.substr(0, MachineDescription::max_bootargs - 1));
  EXPECT_EQ(machine.has_sstc, o.isa.find("_sstc") != std::string::npos);
  EXPECT_EQ(machine.plics[0].sources, 53u);
  EXPECT_EQ(machine.uart.interrupt, 10u);
  for (u32 hart = 0; hart < machine.hart_count; ++hart) {
    EXPECT_EQ(machine.harts[hart].id, hart);
    if (2 * hart + 1 >= MachineDescription::max_plic_contexts) continue;
    EXPECT_EQ(machine.harts[hart].plic_context, 2 * hart + 1);
    EXPECT_EQ(machine.harts[hart].software_interrupt.base, oracle.clint + 4 * hart);
    EXPECT_EQ(machine.harts[hart].timer_compare.base, oracle.clint + 0x4000 + 8 * hart);
  }
  for (u32 slot = 0; slot < machine.virtio_count; ++slot) {
    EXPECT_EQ(machine.virtio[slot].registers.base, 0x10001000u + 0x1000 * slot);
    EXPECT_EQ(machine.virtio[slot].interrupt, 1 + slot);
  }
  EXPECT_EQ(device_tree_size(as_bytes(blob)), blob.size());
  EXPECT_EQ(machine.device_tree_size, blob.size());
}

TEST(DeviceTree, AgreesWithLibfdtOnMachinesOfAllSizes) {
  for (const unsigned harts : {1u, 2u, 3u, 8u, 64u}) {
    for (const std::uint64_t size : {std::uint64_t{32} << 20, std::uint64_t{128} << 20, std::uint64_t{4} << 30}) {
      TreeOptions o;
      o.harts = harts;
      o.memory_size = size;
      o.virtio = harts;
      o.isa = harts % 2 == 0 ? "rv64imafdc" : "rv64imafdc_sstc";
      o.wide_timebase = harts == 3;
      expect_agreement(machine_tree(o), o);
    }
  }
}

TEST(DeviceTree, OneCellAddresses) {
  TreeOptions o;
  o.address_cells = o.size_cells = 1;
  expect_agreement(machine_tree(o), o);
}

TEST(DeviceTree, MoreOfEverythingThanThereIsRoomFor) {
  TreeOptions o;
  o.virtio = 60;
  o.bootargs = std::string(1000, 'a');
  expect_agreement(machine_tree(o), o);
  o.harts = 100;
  MachineDescription machine;
  EXPECT_EQ(read_device_tree(as_bytes(machine_tree(o)), machine), DeviceTreeError::none);
  EXPECT_EQ(machine.hart_count, MachineDescription::max_harts);
}

TEST(DeviceTree, SaysWhatIsMissing) {
  const auto error_of = [](const TreeOptions& o) {
    MachineDescription machine;
    return read_device_tree(as_bytes(machine_tree(o)), machine);
  };
  TreeOptions o;
  EXPECT_EQ((o.with_memory = false, error_of(o)), DeviceTreeError::no_memory);
  EXPECT_EQ((o = {}, o.with_cpus = false, error_of(o)), DeviceTreeError::no_harts);
  EXPECT_EQ((o = {}, o.with_timebase = false, error_of(o)), DeviceTreeError::no_timebase);
  EXPECT_EQ((o = {}, o.with_uart = false, error_of(o)), DeviceTreeError::no_uart);
  EXPECT_EQ((o = {}, o.with_plic = false, error_of(o)), DeviceTreeError::no_plic);
  EXPECT_EQ((o = {}, o.address_cells = 3, error_of(o)), DeviceTreeError::no_memory) << "more cells than we understand";
  for (u32 e = 0; e <= static_cast<u32>(DeviceTreeError::no_plic); ++e) {
    EXPECT_FALSE(describe(static_cast<DeviceTreeError>(e)).ends_with("unknown error"));
  }
  EXPECT_TRUE(describe(static_cast<DeviceTreeError>(99)).ends_with("unknown error"));
}

TEST(DeviceTree, EveryHeaderFieldAtItsExtremes) {
  const auto good = machine_tree({});
  for (unsigned field = 0; field < 40; field += 4) {
    for (const std::uint32_t value :
         {0u, 1u, 3u, 39u, 40u, static_cast<std::uint32_t>(good.size()), static_cast<std::uint32_t>(good.size() + 1),
          0x7fffffffu, 0x80000000u, 0xffffffffu}) {
      auto blob = good;
      for (unsigned b = 0; b < 4; ++b) blob[field + b] = static_cast<std::uint8_t>(value >> (24 - 8 * b));
      MachineDescription machine;
      (void)read_device_tree(as_bytes(blob), machine);
    }
  }
  MachineDescription machine;
  auto blob = good;
  blob[0] = 0;
  EXPECT_EQ(read_device_tree(as_bytes(blob), machine), DeviceTreeError::bad_magic);
  EXPECT_EQ(device_tree_size(as_bytes(blob)), 0u);
  blob = good;
  blob[27] = 99;
  EXPECT_EQ(read_device_tree(as_bytes(blob), machine), DeviceTreeError::bad_version);
}

TEST(DeviceTree, EveryTruncation) {
  const auto good = machine_tree({});
  for (std::size_t length = 0; length < good.size(); ++length) {
    const std::vector<std::uint8_t> blob(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    MachineDescription machine;
    ASSERT_NE(read_device_tree(as_bytes(blob), machine), DeviceTreeError::none) << length;
    EXPECT_EQ(device_tree_size(as_bytes(blob)), length < 8 ? 0 : good.size());
  }
}

TEST(DeviceTree, EveryByteFlipped) {
  const auto good = machine_tree({});
  std::mt19937 random(5);
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const unsigned flip : {0x01u, 0x80u, 0xffu, static_cast<unsigned>(random() % 255 + 1)}) {
      auto blob = good;
      blob[at] = static_cast<std::uint8_t>(blob[at] ^ flip);
      MachineDescription machine;
      (void)read_device_tree(as_bytes(blob), machine);
      ASSERT_LE(machine.hart_count, MachineDescription::max_harts);
      ASSERT_LE(machine.virtio_count, MachineDescription::max_virtio);
      ASSERT_NE(std::memchr(machine.bootargs.data(), 0, machine.bootargs.size()), nullptr);
    }
  }
}

TEST(DeviceTree, TooDeepAndUnbalanced) {
  Builder b;
  for (int i = 0; i < 20; ++i) b.begin(i == 0 ? "" : "n");
  for (int i = 0; i < 20; ++i) b.end();
  MachineDescription machine;
  EXPECT_EQ(read_device_tree(as_bytes(b.finish()), machine), DeviceTreeError::bad_structure);
}

}  // namespace
