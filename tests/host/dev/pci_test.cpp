// SPDX-License-Identifier: MIT
// PCI on a model of devices: what is found, where registers are put, and what a lying tree or device can do.
#include "dev/pci.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace {

using dev::PciHost;
using dev::pci::Function;

/// One function: its configuration words, and which bits of its first base address register can be written.
struct Device {
  std::map<u32, u32> words;
  u32 bar_mask = 0;
};

struct Model {
  std::map<std::pair<u32, u32>, Device> devices;

  void add(Function at, u32 id, u32 bar_mask, u32 header_and_more = 0) {
    devices[{at.device, at.function}] = {{{0x00, id}, {0x0c, header_and_more}, {0x3c, 0x100}}, bar_mask};
  }
};

struct Config {
  Model* model;

  template <class Word>
  Word read(Function at, u32 offset) const {
    const auto found = model->devices.find({at.device, at.function});
    if (found == model->devices.end()) return static_cast<Word>(~u32{0});
    return static_cast<Word>(found->second.words[offset & ~3U] >> (offset & 3) * 8);
  }
  void write(Function at, u32 offset, u32 value) const {
    Device& device = model->devices.at({at.device, at.function});
    if (offset == 0x10) value = (value & device.bar_mask & ~0xfU) | (device.bar_mask & 0xf);
    device.words[offset] = value;
  }
};

std::vector<std::pair<u32, u32>> found_in(Model& model) {
  std::vector<std::pair<u32, u32>> found;
  dev::pci::scan(Config{&model}, [&](Function at, u32 id) { found.emplace_back(at.device << 3 | at.function, id); });
  return found;
}

constexpr u32 e1000 = 0x100e8086, host_bridge = 0x00081b36;
constexpr PciHost::Window window{0x40000000, 0x40000000, 0x40000000};

TEST(Pci, FindsEveryFunction) {
  Model model;
  model.add({0, 0}, host_bridge, 0);
  model.add({1, 0}, e1000, 0xfffe0000);
  model.add({5, 0}, 0x11112222, 0, 0x00800000);  // several functions
  model.add({5, 3}, 0x33334444, 0);
  model.add({31, 0}, e1000, 0xfffe0000);
  model.add({7, 2}, e1000, 0);  // no function 0: not there
  EXPECT_EQ(found_in(model), (std::vector<std::pair<u32, u32>>{
                                 {0, host_bridge}, {8, e1000}, {40, 0x11112222}, {43, 0x33334444}, {248, e1000}}));
}

TEST(Pci, AnEmptyBusIsEmpty) {
  Model model;
  EXPECT_TRUE(found_in(model).empty());
}

TEST(Pci, PlacesRegistersAlignedAndApart) {
  Model model;
  model.add({1, 0}, e1000, 0xfffe0000);
  model.add({2, 0}, e1000, 0xfff00004);  // 64 bits wide
  model.add({3, 0}, e1000, 0xffffff00);  // less than a page
  dev::pci::MemoryWindow memory(window);
  const auto one = dev::pci::place(Config{&model}, {1, 0}, memory),
             two = dev::pci::place(Config{&model}, {2, 0}, memory),
             three = dev::pci::place(Config{&model}, {3, 0}, memory);
  ASSERT_TRUE(one && two && three);
  EXPECT_EQ(one->base, 0x40000000u);
  EXPECT_EQ(one->size, 0x20000u);
  EXPECT_EQ(two->base, 0x40100000u);
  EXPECT_EQ(three->base, 0x40200000u);
  EXPECT_EQ((model.devices[{1, 0}].words[0x10]), 0x40000000u);
  EXPECT_EQ((model.devices[{2, 0}].words[0x14]), 0u);
  EXPECT_EQ((model.devices[{1, 0}].words[0x04] & 2), 0u) << "does not decode yet";
  model.devices[{1, 0}].words[0x04] = 0x400;
  dev::pci::enable(Config{&model}, {1, 0});
  EXPECT_EQ((model.devices[{1, 0}].words[0x04]), 6u);
}

TEST(Pci, RefusesWhatItCannotPlace) {
  Model model;
  model.add({1, 0}, e1000, 0);           // no register
  model.add({2, 0}, e1000, 0xffffffc1);  // ports
  model.add({3, 0}, e1000, 0x80000000);  // 2 GiB: more than the window
  model.add({4, 0}, e1000, 0xfff0f000);  // no power of two
  dev::pci::MemoryWindow memory(window);
  for (u32 device = 1; device <= 4; ++device) {
    EXPECT_FALSE(dev::pci::place(Config{&model}, {device, 0}, memory)) << device;
  }
  model.add({5, 0}, e1000, 0xfffe0000);
  dev::pci::MemoryWindow none({}), beyond({0x1000, 0x100000, 0xfffff000}), wraps({0, ~u64{0}, ~u64{0} - 0xfff});
  EXPECT_FALSE(dev::pci::place(Config{&model}, {5, 0}, none));
  EXPECT_FALSE(dev::pci::place(Config{&model}, {5, 0}, beyond)) << "above 4 GiB on the bus";
  EXPECT_FALSE(dev::pci::place(Config{&model}, {5, 0}, wraps));
}

TEST(Pci, TheWindowIsUsedUpAndNoMore) {
  dev::pci::MemoryWindow memory({0x1000, 0x3000, 0x1000});
  EXPECT_EQ(memory.take(0x1000), 0u);
  EXPECT_EQ(memory.take(0x2000), 0x1000u);
  EXPECT_FALSE(memory.take(0x1000));
}

// --- the node in the device tree ---

std::vector<std::byte> cells(std::initializer_list<u32> values) {
  std::vector<std::byte> bytes;
  for (const u32 value : values) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(value >> shift));
  }
  return bytes;
}

/// As QEMU's `virt` has it, with two of the sixteen entries.
struct Virt {
  std::vector<std::byte> reg = cells({0, 0x30000000, 0, 0x10000000});
  std::vector<std::byte> bus_range = cells({0, 0xff});
  std::vector<std::byte> ranges = cells({0x01000000, 0, 0,          0, 0x03000000, 0, 0x10000,  //
                                         0x02000000, 0, 0x40000000, 0, 0x40000000, 0, 0x40000000,  //
                                         0x03000000, 4, 0,          4, 0,          4, 0});
  std::vector<std::byte> map = cells({0x0000, 0, 0, 1, 9, 32, 0x0800, 0, 0, 1, 9, 33});
  std::vector<std::byte> mask = cells({0x1800, 0, 0, 7});

  [[nodiscard]] PciHost read(dev::PciInterruptParent controller = {9, 0}) const {
    return dev::read_pci_host(
        {.reg = reg, .bus_range = bus_range, .ranges = ranges, .interrupt_map = map, .interrupt_map_mask = mask},
        controller);
  }
};

TEST(PciHost, OfTheVirtMachine) {
  const PciHost host = Virt().read();
  EXPECT_EQ(host.ecam_base, 0x30000000u);
  EXPECT_EQ(host.ecam_size, 0x10000000u);
  EXPECT_EQ(host.last_bus, 0xffu);
  EXPECT_EQ(host.memory.base, 0x40000000u);
  EXPECT_EQ(host.memory.size, 0x40000000u);
  EXPECT_EQ(host.interrupt_of(1, 1), 33u);
  EXPECT_EQ(host.interrupt_of(5, 1), 33u) << "the mask leaves two bits of the device";
  EXPECT_EQ(host.interrupt_of(0, 1), 32u);
  EXPECT_FALSE(host.interrupt_of(1, 2));
  EXPECT_FALSE(host.interrupt_of(1, 0)) << "no pin";
  EXPECT_FALSE(host.interrupt_of(1, 5));
}

TEST(PciHost, WithoutAMapThereIsNoInterrupt) {
  Virt virt;
  virt.map.clear();
  EXPECT_FALSE(virt.read().interrupt_of(1, 1));
  Virt unmasked;
  unmasked.mask.resize(8);
  EXPECT_FALSE(unmasked.read().interrupt_of(1, 1));
  EXPECT_FALSE(Virt().read({8, 0}).interrupt_of(1, 1)) << "another controller";
}

TEST(PciHost, WhateverTheTreeHolds) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    Virt virt;
    std::vector<std::byte>* const properties[] = {&virt.reg, &virt.bus_range, &virt.ranges, &virt.map, &virt.mask};
    auto& victim = *properties[random() % 5];
    victim.resize(random() % (victim.size() + 40));
    for (int i = 0; i < 8 && !victim.empty(); ++i) victim[random() % victim.size()] = static_cast<std::byte>(random());
    const PciHost host = dev::read_pci_host({.reg = virt.reg,
                                             .bus_range = virt.bus_range,
                                             .ranges = virt.ranges,
                                             .interrupt_map = virt.map,
                                             .interrupt_map_mask = virt.mask,
                                             .parent_address_cells = static_cast<u32>(random() % 4),
                                             .parent_size_cells = static_cast<u32>(random() % 4)},
                                            {9, static_cast<u32>(random() % 4)});
    ASSERT_LE(host.interrupt_count, PciHost::max_interrupts);
    (void)host.interrupt_of(random() % 32, random() % 8);
  }
}

}  // namespace
