// SPDX-License-Identifier: MIT
// Strategy: four host threads are four harts, each running processes of its own whose frames are shared copy-on-write
// with all the others', 4 KiB pages and a superpage. They store, fork, exit, shrink and copy at once, each against its
// own expectation of every byte it looks at; the frames' contents and counts must come out exact. Under TSan this
// shows that reference counts order the last access of one sharer before the first store of the next (V7).
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "mm/check.hpp"
#include "mm/machine.hpp"

namespace {

using namespace mm_test;

constexpr u64 page = 4096, mega = 2 << 20;
constexpr unsigned harts = 4;

struct Sharer {
  AddressSpace* space;
  SpaceOwner owner;
  std::vector<std::byte> expected;  // one byte for each page: the one at `probe`
};
constexpr u64 probe = 40;

TEST(SpaceThreads, SharersOnSeveralHartsNeverMeet) {
  Machine machine({.ram_bytes = u64{48} << 20});
  const u64 free_at_start = frames().free_count();
  const SpaceOwner owner = *machine.make_owner();
  AddressSpace* parent = *AddressSpace::create(owner);
  ASSERT_TRUE(parent->map_segment(VirtAddr(0), 8 * page, Permissions::read_write()));
  ASSERT_TRUE(parent->grow(mega - parent->program_break(), Growth::lazy));
  ASSERT_TRUE(parent->grow(mega, Growth::eager));
  const u64 pages = 2 * mega / page;
  machine.switch_to(parent);
  for (u64 i = 0; i < pages; ++i) ASSERT_EQ(machine.store(i * page + probe, static_cast<std::byte>(i)), Outcome::done);
  std::vector<Sharer> sharers;
  for (unsigned hart = 0; hart < harts; ++hart) {
    Sharer sharer{nullptr, *machine.make_owner(), {}};
    sharer.space = *parent->fork(sharer.owner);
    for (u64 i = 0; i < pages; ++i) sharer.expected.push_back(static_cast<std::byte>(i));
    sharers.push_back(std::move(sharer));
  }
  machine.switch_to(nullptr);

  std::vector<std::thread> threads;
  for (unsigned hart = 0; hart < harts; ++hart) {
    threads.emplace_back([&, hart] {
      machine.become_hart(hart);
      Sharer& mine = sharers[hart];
      std::mt19937 random(hart + 1);
      machine.switch_to(mine.space);
      for (int step = 0; step < 3000; ++step) {
        const u64 i = random() % 4 == 0 ? random() % 8 : random() % pages;
        const u64 va = i * page + probe;
        const auto value = static_cast<std::byte>(random());
        std::byte seen{};
        switch (random() % 16) {
          case 0: {  // a child that stores once and goes
            const auto child_owner = machine.make_owner();
            if (!child_owner) break;
            if (auto child = mine.space->fork(*child_owner)) {
              machine.switch_to(*child);
              EXPECT_EQ(machine.load(va, seen), Outcome::done);
              EXPECT_EQ(seen, mine.expected[i]);
              (void)machine.store(va, value);
              machine.switch_to(mine.space);
              AddressSpace::destroy(*child);
            }
            machine.free_owner(*child_owner);
            break;
          }
          case 1:
          case 2:
            EXPECT_TRUE(mine.space->copy_out(VirtAddr(va), &value, 1).ok());
            mine.expected[i] = value;
            break;
          case 3:
          case 4:
          case 5:
            EXPECT_TRUE(mine.space->copy_in(&seen, VirtAddr(va), 1).ok());
            EXPECT_EQ(seen, mine.expected[i]);
            break;
          case 6:
            if (i == pages - 1) {  // the end of the superpage goes and comes back as zero
              mine.space->shrink(page);
              EXPECT_TRUE(mine.space->grow(page, Growth::lazy));
              mine.expected[i] = std::byte{0};
            }
            break;
          default:
            if (random() % 2 == 0) {
              EXPECT_EQ(machine.store(va, value), Outcome::done);
              mine.expected[i] = value;
            } else {
              EXPECT_EQ(machine.load(va, seen), Outcome::done);
              EXPECT_EQ(seen, mine.expected[i]);
            }
        }
      }
      for (u64 i = 0; i < pages; ++i) {
        std::byte seen{};
        EXPECT_EQ(machine.load(i * page + probe, seen), Outcome::done);
        EXPECT_EQ(seen, mine.expected[i]);
      }
      machine.switch_to(nullptr);
    });
  }
  for (std::thread& thread : threads) thread.join();

  machine.become_hart(0);
  EXPECT_EQ(machine.complaints(), "");
  machine.switch_to(parent);
  for (u64 i = 0; i < pages; ++i) {
    std::byte seen{};
    ASSERT_EQ(machine.load(i * page + probe, seen), Outcome::done);
    ASSERT_EQ(seen, static_cast<std::byte>(i)) << "the parent's memory is what it was at the fork";
  }
  machine.switch_to(nullptr);
  for (Sharer& sharer : sharers) {
    AddressSpace::destroy(sharer.space);
    machine.free_owner(sharer.owner);
  }
  AddressSpace::destroy(parent);
  machine.free_owner(owner);
  EXPECT_EQ(frames().free_count(), free_at_start);
}

}  // namespace
