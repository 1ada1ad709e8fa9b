// SPDX-License-Identifier: MIT
// Strategy: the real allocator over a private arena that is made anew for each test. Exactness first: after every
// step free_count() must equal what the test counts itself, and every frame is given out at most once. Then the edges
// (odd RAM borders, reserved ranges inside, order 9 after fragmentation, stealing between harts, zeroed frames), the
// wrong frees as death tests that must name the state, and threads (run under TSan too: see frames_threads_test.cpp).
#include "mm/frames.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "mm/fail_nth.hpp"
#include "mm/machine.hpp"
#include "mm/poison.hpp"

namespace {

using namespace mm_test;

constexpr u64 mib = u64{1} << 20;

class FramesTest : public ::testing::Test {
 protected:
  Machine machine_{{.ram_bytes = 16 * mib}};
  FrameAllocator& frames_ = frames();

  std::vector<Ppn> take_all() {
    std::vector<Ppn> all;
    for (auto frame = frames_.allocate(FrameState::user); frame; frame = frames_.allocate(FrameState::user)) {
      all.push_back(*frame);
    }
    return all;
  }
};

TEST_F(FramesTest, EveryFrameExactlyOnceAndNoneLost) {
  const u64 before = frames_.free_count();
  std::vector<Ppn> all = take_all();
  EXPECT_EQ(all.size(), before) << "no hidden reserve";
  EXPECT_EQ(frames_.free_count(), 0u);
  std::set<u64> distinct;
  for (const Ppn ppn : all) {
    EXPECT_TRUE(frames_.contains(ppn));
    EXPECT_GE(ppn.address().value(), machine_.arena().base() + mib) << "the image is reserved";
    distinct.insert(ppn.value());
  }
  EXPECT_EQ(distinct.size(), all.size());
  for (const Ppn ppn : all) frames_.free(ppn);
  EXPECT_EQ(frames_.free_count(), before);
}

TEST_F(FramesTest, CountsAreExactThroughARandomLife) {
  std::mt19937 random(7);
  struct Held {
    Ppn ppn;
    Order order;
  };
  std::vector<Held> held;
  const u64 total_free = frames_.free_count();
  u64 out = 0;
  for (int step = 0; step < 20000; ++step) {
    machine_.become_hart(random() % arch::max_harts);
    if (random() % 2 == 0) {
      const auto order = static_cast<Order>(random() % 3 == 0 ? random() % 10 : 0);
      const Zero zero = random() % 2 == 0 ? Zero::yes : Zero::no;
      const auto block = frames_.allocate(FrameState::user, zero, order);
      if (!block) {
        EXPECT_EQ(block.error(), lib::Error::no_memory);
        EXPECT_TRUE(order != Order::page || frames_.free_count() == 0)
            << "a single frame is refused although one is free";
        continue;
      }
      EXPECT_TRUE(block->value() % frames_in(order) == 0) << "aligned to its size";
      for (u64 i = 0; i < frames_in(order); ++i) {
        auto* words = static_cast<u64*>(frame_bytes(*block + i));
        if (zero == Zero::yes) {
          ASSERT_TRUE(is_filled_with(words, 0)) << "V37: a recycled frame keeps nothing";
        }
        fill_page(words, random());
      }
      out += frames_in(order);
      held.push_back({*block, order});
    } else if (!held.empty()) {
      std::swap(held[random() % held.size()], held.back());
      const Held victim = held.back();
      held.pop_back();
      if (victim.order == Order::page && random() % 3 == 0) {
        fill_page(frame_bytes(victim.ppn), 0);
        frames_.free_zeroed(victim.ppn);
      } else if (victim.order == Order::megapage) {
        frames_.unref_megapage(victim.ppn);
      } else {
        frames_.free(victim.ppn, victim.order);
      }
      out -= frames_in(victim.order);
    }
    ASSERT_EQ(frames_.free_count(), total_free - out);
  }
  for (const Held& h : held) {
    if (h.order == Order::megapage) {
      frames_.unref_megapage(h.ppn);
    } else {
      frames_.free(h.ppn, h.order);
    }
  }
  EXPECT_EQ(frames_.free_count(), total_free);
  // Nothing is lost to fragmentation: drained, the buddies merge to what they were.
  frames_.drain_caches();
  u64 megapages = 0;
  while (frames_.allocate(FrameState::user, Zero::no, Order::megapage)) ++megapages;
  Machine fresh({.ram_bytes = 16 * mib});
  u64 expected = 0;
  while (frames().allocate(FrameState::user, Zero::no, Order::megapage)) ++expected;
  EXPECT_EQ(megapages, expected);
}

TEST_F(FramesTest, EveryHartCanStealEveryFrame) {
  const u64 before = frames_.free_count();
  machine_.become_hart(3);
  std::vector<Ppn> all = take_all();
  for (const Ppn ppn : all) frames_.free(ppn);  // hart 3's cache is full, the rest went to the buddy lists
  for (unsigned hart = 0; hart < arch::max_harts; ++hart) {
    machine_.become_hart(hart);
    all = take_all();
    EXPECT_EQ(all.size(), before) << "hart " << hart;
    for (const Ppn ppn : all) frames_.free(ppn);
  }
  EXPECT_GT(total(VmEvent::frame_stolen), 0u);
}

TEST_F(FramesTest, ABlockIsMadeOfWhatTheCachesHold) {
  std::vector<Ppn> all = take_all();
  std::mt19937 random(3);
  std::shuffle(all.begin(), all.end(), random);
  for (const Ppn ppn : all) {
    machine_.become_hart(random() % arch::max_harts);
    frames_.free(ppn);
  }
  const auto block = frames_.allocate(FrameState::user, Zero::yes, Order::megapage);
  ASSERT_TRUE(block) << "the parts lie in eight caches";
  frames_.unref_megapage(*block);
}

TEST_F(FramesTest, OneFrameInUseKeepsABlockFromMerging) {
  std::vector<Ppn> all = take_all();
  // One frame of each 2 MiB stays: no megapage can be had, and every single frame can.
  std::vector<Ppn> kept;
  for (const Ppn ppn : all) {
    if (ppn.value() % 512 == 17) {
      kept.push_back(ppn);
    } else {
      frames_.free(ppn);
    }
  }
  EXPECT_FALSE(frames_.allocate(FrameState::user, Zero::no, Order::megapage));
  EXPECT_EQ(frames_.free_count(), all.size() - kept.size());
  for (const Ppn ppn : kept) frames_.free(ppn);
  EXPECT_TRUE(frames_.allocate(FrameState::user, Zero::no, Order::megapage));
}

TEST_F(FramesTest, ReferencesFreeWithTheLast) {
  const u64 before = frames_.free_count();
  const Ppn ppn = *frames_.allocate(FrameState::user);
  EXPECT_EQ(frames_.refs(ppn), 1u);
  frames_.ref(ppn);
  frames_.ref(ppn);
  EXPECT_EQ(frames_.refs(ppn), 3u);
  frames_.unref(ppn);
  frames_.unref(ppn);
  EXPECT_EQ(frames_.free_count(), before - 1);
  frames_.unref(ppn);
  EXPECT_EQ(frames_.free_count(), before);
}

TEST_F(FramesTest, CompoundBlocksCountOnceAndConvertExactly) {
  const u64 before = frames_.free_count();
  const Ppn block = *frames_.allocate(FrameState::user, Zero::no, Order::megapage);
  EXPECT_EQ(frames_.state(block), FrameState::compound);
  EXPECT_TRUE(frames_.is_sole_megapage_owner(block));
  frames_.ref_megapage(block);
  frames_.ref_megapage(block);
  EXPECT_FALSE(frames_.is_sole_megapage_owner(block));
  EXPECT_EQ(frames_.refs(block), 3u);
  frames_.convert_compound(block);
  frames_.convert_compound(block);  // done already
  for (u64 i = 0; i < 512; ++i) {
    EXPECT_EQ(frames_.refs(block + i), 3u);
    EXPECT_EQ(frames_.state(block + i), FrameState::user);
  }
  EXPECT_EQ(total(VmEvent::compound_converted), 1u);
  frames_.ref_megapage(block);  // a megapage mapping of single frames holds each of them
  EXPECT_EQ(frames_.refs(block + 511), 4u);
  frames_.unref_megapage(block);
  frames_.unref_megapage(block);
  for (u64 i = 0; i < 512; ++i) frames_.unref(block + i);
  EXPECT_TRUE(frames_.is_sole_megapage_owner(block));
  frames_.unref(block + 5);
  EXPECT_EQ(frames_.free_count(), before - 511);
  for (u64 i = 0; i < 512; ++i) {
    if (i != 5) frames_.unref(block + i);
  }
  EXPECT_EQ(frames_.free_count(), before);
  // Another mapper gave back a part: what is left of the block is still shared.
  const Ppn partly = *frames_.allocate(FrameState::user, Zero::no, Order::megapage);
  frames_.ref_megapage(partly);
  frames_.convert_compound(partly);
  frames_.unref(partly);
  EXPECT_FALSE(frames_.is_sole_megapage_owner(partly));
  for (u64 i = 1; i < 512; ++i) frames_.unref(partly + i);
  EXPECT_TRUE(frames_.is_sole_megapage_owner(partly));
  frames_.unref_megapage(partly);
  EXPECT_EQ(frames_.free_count(), before);
  // And once without conversion.
  const Ppn second = *frames_.allocate(FrameState::user, Zero::no, Order::megapage);
  frames_.ref_megapage(second);
  frames_.unref_megapage(second);
  frames_.unref_megapage(second);
  EXPECT_EQ(frames_.free_count(), before);
}

TEST_F(FramesTest, FailNthHitsExactlyTheNth) {
  for (unsigned n = 1; n < 5; ++n) {
    Machine::fail_at(n);
    for (unsigned i = 1; i < 8; ++i) {
      const auto frame = frames_.allocate(FrameState::user);
      EXPECT_EQ(frame.has_value(), i != n);
      if (frame) frames_.free(*frame);
    }
  }
  Machine::fail_at(1);
  failure_hook.store(nullptr);
  EXPECT_TRUE(frames_.allocate(FrameState::user)) << "nobody asks for failures";
  Machine::fail_at(0);
}

// While one sum is read and the other is not, the machine goes on: here 1,000 frames are taken and given back in every
// such gap, which is what a hart sees that is held up there.
TEST(FreeFrames, WhatMovesBetweenTheTwoReadsNeverMakesMemoryScarce) {
  constexpr u64 managed = 1000, in_use = 10;
  u64 allocated = 5'000, freed = allocated - in_use;
  const auto sum_of = [&](VmEvent event) {
    const u64 sum = event == VmEvent::frame_allocated ? allocated : freed;
    allocated += managed;
    freed += managed;
    return sum;
  };
  EXPECT_GE(free_frames(managed, sum_of), managed - in_use);
  EXPECT_LE(free_frames(managed, sum_of), managed);
}

TEST(FreeFrames, NothingMoves) {
  const auto sum_of = [](VmEvent event) { return u64{event == VmEvent::frame_allocated ? 7U : 3U}; };
  EXPECT_EQ(free_frames(100, sum_of), 96U);
}

TEST_F(FramesTest, AReservationIsAllOrNothing) {
  const u64 before = frames_.free_count();
  for (const Zero zero : {Zero::no, Zero::yes}) {
    for (unsigned n = 1; n <= 10; ++n) {
      FrameReservation reservation;
      Machine::fail_at(n);
      EXPECT_FALSE(reservation.add(10, FrameState::table, zero));
      EXPECT_EQ(reservation.left(), 0u);
      EXPECT_EQ(frames_.free_count(), before);
    }
    Machine::fail_at(0);
    FrameReservation reservation;
    ASSERT_TRUE(reservation.add(3, FrameState::table, zero));
    ASSERT_TRUE(reservation.add(2, FrameState::user, zero));
    ASSERT_TRUE(reservation.add(0, FrameState::user, zero));
    EXPECT_EQ(reservation.left(), 5u);
    EXPECT_EQ(frames_.free_count(), before - 5);
    const Ppn first = reservation.take();
    EXPECT_EQ(frames_.state(first), FrameState::table) << "in the order in which they were added";
    if (zero == Zero::yes) EXPECT_TRUE(is_filled_with(frame_bytes(first), 0));
    Machine::fail_at(1);
    EXPECT_FALSE(reservation.add(1, FrameState::table, zero)) << "what it held before goes back too";
    EXPECT_EQ(frames_.free_count(), before - 1);
    frames_.free(first);
    Machine::fail_at(0);
  }
  {
    FrameReservation dropped;
    ASSERT_TRUE(dropped.add(7, FrameState::user, Zero::no));
  }
  EXPECT_EQ(frames_.free_count(), before);
  FrameReservation too_large;
  EXPECT_FALSE(too_large.add(before + 1, FrameState::user, Zero::no));
  EXPECT_EQ(frames_.free_count(), before);
}

TEST_F(FramesTest, EveryStateHasAName) {
  for (u32 s = 0; s < static_cast<u32>(FrameState::count_); ++s) {
    EXPECT_STRNE(describe(static_cast<FrameState>(s)), "damaged");
  }
  EXPECT_STREQ(describe(FrameState::count_), "damaged");
}

TEST_F(FramesTest, LocksAreKnownToTheStatistics) {
  frames_.publish_locks();
  u32 kmem = 0;
  for (locks::SpinLock* lock = locks::LockStatistics::first(); lock != nullptr;
       lock = locks::LockStatistics::next(*lock)) {
    if (std::string_view(lock->name()).starts_with("kmem")) ++kmem;
    if (kmem > 100) break;
  }
  EXPECT_GE(kmem, 1 + arch::max_harts);
}

TEST_F(FramesTest, ReservedMemoryCanBeReleasedLater) {
  const u64 before = frames_.free_count();
  const u64 managed = frames_.managed_count();
  frames_.release_reserved(*PhysRange::from(PhysAddr(machine_.arena().base() + 5 * 4096 + 1), 3 * 4096));
  EXPECT_EQ(frames_.free_count(), before + 2) << "whole frames only";
  EXPECT_EQ(frames_.managed_count(), managed + 2);
  EXPECT_EQ(take_all().size(), before + 2);
}

using FramesDeathTest = FramesTest;

// The words that mean something else in each state are to be had from that state's record alone.
template <class Record>
concept ShowsItsWords = requires(Record record) { record.first_; } || requires(Record record) { record.second_; } ||
                        requires(Record record) { record.small_; };
static_assert(!ShowsItsWords<Frame>);

#if BIFOLIUM_DEBUG
TEST_F(FramesDeathTest, ARecordIsReadInItsOwnStateOnly) {
  Frame& table = frames_.record(*frames_.allocate(FrameState::table, Zero::yes));
  table.table().clear();
  EXPECT_EQ(table.table().twin, no_frame);
  const Ppn freed = *frames_.allocate(FrameState::user);
  frames_.free(freed);
  const char* const report = "record is read as that of another state";
  EXPECT_DEATH((void)table.free_block(), report);
  EXPECT_DEATH((void)table.cached(), report);
  EXPECT_DEATH((void)table.file_page(), report);
  EXPECT_DEATH((void)frames_.record(freed).table(), report);
  EXPECT_DEATH((void)frames_.record(freed).set_aside(), report);
}
#endif

TEST_F(FramesDeathTest, WrongFreesNameTheStateOfTheFrame) {  // V32
  const Ppn user = *frames_.allocate(FrameState::user);
  const Ppn block = *frames_.allocate(FrameState::user, Zero::no, Order::megapage);
  const Ppn pair = *frames_.allocate(FrameState::kernel, Zero::no, Order{1});
  const Ppn freed = *frames_.allocate(FrameState::user);
  const Ppn zeroed = *frames_.allocate(FrameState::user, Zero::yes);
  frames_.free(freed);
  frames_.free_zeroed(zeroed);
  EXPECT_DEATH(frames_.free(freed), "lies in a cache\n");
  EXPECT_DEATH(frames_.unref(freed), "lies in a cache");
  EXPECT_DEATH(frames_.free_zeroed(freed), "lies in a cache");
  EXPECT_DEATH(frames_.free(zeroed), "cache of zeroed");
  EXPECT_DEATH(frames_.free(Ppn(machine_.arena().base() / 4096)), "reserved");
  EXPECT_DEATH(frames_.free(pair + 1), "inside a larger block");
  EXPECT_DEATH(frames_.free(pair), "wrong order");
  EXPECT_DEATH(frames_.unref(pair), "wrong order");
  EXPECT_DEATH(frames_.free_zeroed(pair), "wrong order");
  EXPECT_DEATH(frames_.free(block), "part of a megapage");
  EXPECT_DEATH(frames_.free(Ppn(5)), "not RAM");
  EXPECT_DEATH(frames_.free_zeroed(Ppn(5)), "not RAM");
  frames_.ref(user);
  EXPECT_DEATH(frames_.free(user), "still referenced");
  EXPECT_DEATH(frames_.free_zeroed(user), "still referenced");
  for (const FrameState state : {FrameState::file, FrameState::table}) {
    frames_.record(user).state = state;
    EXPECT_DEATH(frames_.free(user), "still referenced");
  }
  frames_.record(user).state = FrameState::count_;
  EXPECT_DEATH(frames_.free(user), "damaged record");
  frames_.record(user).state = FrameState::user;
  frames_.drain_caches();
  EXPECT_DEATH(frames_.unref(freed), "free of a frame");
  frames_.record(freed).refs = 1;
  EXPECT_DEATH(frames_.unref(freed), "free of a frame");
  EXPECT_DEATH(frames_.free_zeroed(freed), "free of a frame");
  frames_.record(freed).refs = 0;
  EXPECT_DEATH(frames_.release_reserved(*PhysRange::from(user.address(), 4096)), "still referenced");
  FrameReservation empty;
  EXPECT_DEATH((void)empty.take(), "more frames than it reserved");
}

#if BIFOLIUM_DEBUG
TEST_F(FramesDeathTest, AWriteThroughAStalePointerIsFound) {  // V32
  const Ppn ppn = *frames_.allocate(FrameState::user);
  frames_.free(ppn);
  static_cast<u64*>(frame_bytes(ppn))[77] = 1;
  EXPECT_DEATH((void)frames_.allocate(FrameState::user), "written to while free");
  fill_page(frame_bytes(ppn), poison_word);
  const Ppn zero = *frames_.allocate(FrameState::user, Zero::yes);
  frames_.free_zeroed(zero);
  static_cast<u64*>(frame_bytes(zero))[5] = 1;
  EXPECT_DEATH((void)frames_.allocate(FrameState::user, Zero::yes), "kept as zero was written");
}
#endif

// RAM as device trees really describe it: odd borders, several reserved ranges, some overlapping, some outside.
TEST(FramesBoot, OddRamAndReservedRanges) {
  std::mt19937_64 random(99);
  for (int round = 0; round < 300; ++round) {
    Machine machine({.ram_bytes = 8 * mib});  // gives a clean allocator; init again below with other borders
    FrameAllocator& allocator = frames();
    allocator.~FrameAllocator();
    new (&allocator) FrameAllocator();
    for (HartCounters& hart : hart_counters) {
      for (auto& event : hart.events) event = 0;
    }
    const u64 begin = machine.arena().base() + random() % (2 * mib);
    const u64 bytes = 3 * mib + random() % (3 * mib);
    std::vector<PhysRange> reserved;
    for (u64 i = random() % 4; i > 0; --i) {
      reserved.push_back(*PhysRange::from(PhysAddr(begin + random() % bytes), random() % (mib / 2)));
    }
    reserved.push_back(*PhysRange::from(PhysAddr(begin - 4096), 8192));
    reserved.push_back(*PhysRange::from(PhysAddr(begin + mib), 0));
    reserved.push_back(*PhysRange::from(PhysAddr(begin + bytes - 4096), mib));
    if (random() % 2 == 0) reserved.push_back(*PhysRange::from(PhysAddr(0x1000), 0x1000));
    allocator.init(*PhysRange::from(PhysAddr(begin), bytes), reserved);
    u64 usable = 0;
    std::set<u64> allowed;
    for (u64 ppn = (begin + 4095) / 4096; ppn < (begin + bytes) / 4096; ++ppn) {
      bool taken = false;
      for (const PhysRange& r : reserved) {
        taken = taken || (!r.empty() && ppn * 4096 < r.end().value() && (ppn + 1) * 4096 > r.begin().value());
      }
      if (!taken) ++usable, allowed.insert(ppn);
    }
    const u64 table = (allocator.ram_count() * sizeof(Frame) + 4095) / 4096;
    ASSERT_EQ(allocator.free_count(), usable - table) << "round " << round;
    std::set<u64> seen;
    for (auto frame = allocator.allocate(FrameState::user); frame; frame = allocator.allocate(FrameState::user)) {
      ASSERT_TRUE(allowed.contains(frame->value()));
      ASSERT_TRUE(seen.insert(frame->value()).second);
    }
    ASSERT_EQ(seen.size(), usable - table);
  }
}

using FramesBootDeathTest = ::testing::Test;

TEST(FramesBootDeathTest, NoRoomForTheTable) {
  Machine machine({.ram_bytes = 8 * mib});
  frames().~FrameAllocator();
  new (&frames()) FrameAllocator();
  const PhysRange all[] = {*PhysRange::from(PhysAddr(machine.arena().base()), 8 * mib)};
  EXPECT_DEATH(frames().init(all[0], all), "no room");
}

}  // namespace
