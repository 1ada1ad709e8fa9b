// SPDX-License-Identifier: MIT
// Strategy: eight host threads are eight harts. They allocate, share, split compound blocks and free at once, each
// frame's contents saying who owns it; two owners of one frame would overwrite each other's mark. Afterwards the counts
// must be exact. Under TSan this shows that the allocator's locks and counts order everything that they must.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <random>
#include <thread>

#include "mm/frames.hpp"
#include "mm/machine.hpp"

namespace {

using namespace mm_test;

template <class Body>
void on_harts(unsigned harts, Body body) {
  std::vector<std::thread> threads;
  for (unsigned hart = 0; hart < harts; ++hart) {
    threads.emplace_back([=] {
      arch::host::set_hart_index(hart);
      body(hart);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(FramesThreads, NoFrameHasTwoOwners) {
  Machine machine({.ram_bytes = u64{16} << 20});
  const u64 before = frames().free_count();
  std::atomic<u64> refused{0};
  std::barrier all_hold(arch::max_harts);
  on_harts(arch::max_harts, [&](unsigned hart) {
    std::mt19937 random(hart);
    std::vector<Ppn> mine;
    for (int step = 0; step < 6000; ++step) {
      // Together the harts want a little more than there is, so that they rob one another.
      if (mine.size() < 600 && random() % 5 < 3) {
        if (auto frame = frames().allocate(FrameState::user)) {
          *static_cast<u64*>(frame_bytes(*frame)) = hart;
          mine.push_back(*frame);
        } else {
          ++refused;
        }
      } else if (!mine.empty()) {
        std::swap(mine[random() % mine.size()], mine.back());
        ASSERT_EQ(*static_cast<u64*>(frame_bytes(mine.back())), hart);
        frames().free(mine.back());
        mine.pop_back();
      }
    }
    // Nobody gives back before the last has asked: on a busy host the harts may run one after the other.
    all_hold.arrive_and_wait();
    for (const Ppn ppn : mine) {
      ASSERT_EQ(*static_cast<u64*>(frame_bytes(ppn)), hart);
      frames().free(ppn);
    }
  });
  EXPECT_EQ(frames().free_count(), before);
  EXPECT_GT(total(VmEvent::frame_stolen), 0u);
}

TEST(FramesThreads, SharedFramesAreFreedOnceByTheLast) {  // V7
  Machine machine({.ram_bytes = u64{8} << 20});
  const u64 before = frames().free_count();
  for (int round = 0; round < 300; ++round) {
    const Ppn frame = *frames().allocate(FrameState::user);
    for (unsigned i = 1; i < 4; ++i) frames().ref(frame);
    on_harts(4, [&](unsigned) { frames().unref(frame); });
    ASSERT_EQ(frames().free_count(), before);
  }
}

TEST(FramesThreads, CompoundConversionRacesWithReferences) {
  Machine machine({.ram_bytes = u64{16} << 20});
  const u64 before = frames().free_count();
  for (int round = 0; round < 200; ++round) {
    const Ppn block = *frames().allocate(FrameState::user, Zero::no, Order::megapage);
    for (unsigned i = 1; i < 4; ++i) frames().ref_megapage(block);
    // Four mappers: one forks and exits, one splits and frees page by page, one asks, one leaves.
    on_harts(4, [&](unsigned hart) {
      switch (hart) {
        case 0:
          frames().ref_megapage(block);
          frames().unref_megapage(block);
          frames().unref_megapage(block);
          break;
        case 1:
          frames().convert_compound(block);
          for (u64 i = 0; i < 512; ++i) frames().unref(block + i);
          break;
        case 2:
          (void)frames().is_sole_megapage_owner(block);
          frames().unref_megapage(block);
          break;
        default: frames().unref_megapage(block);
      }
    });
    ASSERT_EQ(frames().free_count(), before) << "round " << round;
  }
}

TEST(FramesThreads, FramesOnTheirWayBetweenListsAreWaitedFor) {
  Machine machine({.ram_bytes = u64{8} << 20});
  // All but a few frames are in use, and those lie in hart 1's cache.
  std::vector<Ppn> taken;
  while (auto frame = frames().allocate(FrameState::user)) taken.push_back(*frame);
  constexpr unsigned few = 8;
  on_harts(2, [&](unsigned hart) {
    if (hart != 1) return;
    for (unsigned i = 0; i < few; ++i) frames().free(taken[taken.size() - 1 - i]);
  });
  taken.resize(taken.size() - few);

  // Hart 1 takes them out of the cache and is held up before it puts them into the buddy lists.
  std::atomic<bool> on_the_way{false};
  Ppn found;
  on_harts(2, [&](unsigned hart) {
    if (hart == 1) {
      unsigned locks = 0;
      locks::SpinLock::before_lock = [&](const locks::SpinLock&) {
        if (++locks != 3) return;  // the caches of harts 0 and 1 come first
        on_the_way = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      };
      frames().drain_caches();
      locks::SpinLock::before_lock = nullptr;
      return;
    }
    while (!on_the_way) std::this_thread::yield();
    const auto frame = frames().allocate(FrameState::user);
    ASSERT_TRUE(frame) << "there was memory all the while";
    found = *frame;
  });
  EXPECT_EQ(frames().free_count(), few - 1u);
  frames().free(found);
  for (const Ppn ppn : taken) frames().free(ppn);
}

}  // namespace
