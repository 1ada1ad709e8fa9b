// SPDX-License-Identifier: MIT
// Strategy: explain() is compared with the software MMU on random hostile tables: every entry random bits, pointing
// anywhere or back into the tables, loops included. For each address the steps, the end and the verdict of every access
// by every privilege must agree with what hardware would do. Healthy walks at each level are spelled out by hand.
#include "sv39/explain.hpp"

#include <gtest/gtest.h>

#include <random>

#include "model/paging_kit.hpp"

namespace {

using namespace sv39;
using model::FaultKind;

constexpr u64 frames = 16;

class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() : arena_(frames * page_size) {}
  void put(u64 frame, unsigned index, u64 raw) { arena_.set_word(arena_.base() + frame * page_size + index * 8, raw); }
  u64 ppn(u64 frame) const { return arena_.base() / page_size + frame; }
  Walk walk(VirtAddr va) const { return explain(model::HostReader{&arena_}, PhysAddr(arena_.base()), va); }
  model::Arena arena_;
};

FaultKind as_hardware(Verdict verdict, Access access, Pte pte) {
  switch (verdict) {
    case Verdict::allowed: return FaultKind::none;
    case Verdict::not_canonical: return FaultKind::non_canonical;
    case Verdict::table_outside_memory: return FaultKind::access;
    case Verdict::not_present: return FaultKind::invalid;
    case Verdict::accessed_clear:
    case Verdict::dirty_clear: return FaultKind::accessed_dirty;
    case Verdict::reserved_encoding: return FaultKind::reserved_bits;
    case Verdict::copy_on_write:
      EXPECT_TRUE(access == Access::write && pte.is_copy_on_write());
      return FaultKind::permission;
    default: return FaultKind::permission;
  }
}

TEST_F(ExplainTest, HealthyWalkAtEachLevel) {
  put(0, 3, Pte::table(Ppn(ppn(1))).raw());
  put(1, 4, Pte::table(Ppn(ppn(2))).raw());
  put(2, 5, Pte::leaf(Ppn(0x12345), Permissions::read_write().user()).raw());
  put(1, 6, Pte::leaf(Ppn(0x12200), Permissions::read_only().user(), Level::mega).raw());
  put(0, 7, Pte::leaf(Ppn(0x40000), Permissions::read_execute(), Level::giga).raw());
  const Walk page = walk(address_of_indices(3, 4, 5, 0x678));
  EXPECT_TRUE(page.found());
  EXPECT_EQ(page.step_count, 3u);
  EXPECT_EQ(page.physical, PhysAddr(0x12345678));
  EXPECT_EQ(page.leaf_level, Level::base);
  EXPECT_EQ(page.root, PhysAddr(arena_.base()));
  EXPECT_EQ(page.steps[0].entry_address, PhysAddr(arena_.base() + 3 * 8));
  EXPECT_EQ(page.steps[1].table, PhysAddr(arena_.base() + page_size));
  EXPECT_EQ(page.steps[1].index, 4u);
  EXPECT_EQ(page.steps[2].level, Level::base);
  EXPECT_EQ(page.verdict(Access::write, Privilege::user), Verdict::allowed);
  EXPECT_EQ(page.verdict(Access::execute, Privilege::user), Verdict::not_executable);
  EXPECT_EQ(page.verdict(Access::read, Privilege::supervisor), Verdict::user_page);
  EXPECT_EQ(page.verdict(Access::read, Privilege::supervisor, Sum::set), Verdict::allowed);
  EXPECT_EQ(page.verdict(Access::execute, Privilege::supervisor, Sum::set), Verdict::user_page);
  const Walk mega = walk(address_of_indices(3, 6, 77, 1));
  EXPECT_EQ(mega.physical, PhysAddr(0x12200001 + 77 * page_size));
  EXPECT_EQ(mega.leaf_level, Level::mega);
  EXPECT_EQ(mega.verdict(Access::write, Privilege::user), Verdict::not_writable);
  const Walk giga = walk(address_of_indices(7, 1, 1, 1));
  EXPECT_EQ(giga.step_count, 1u);
  EXPECT_EQ(giga.verdict(Access::read, Privilege::user), Verdict::supervisor_page);
  EXPECT_EQ(walk(VirtAddr(user_half_end)).end, WalkEnd::not_canonical);
  EXPECT_EQ(walk(VirtAddr(user_half_end)).last_entry(), Pte());
  EXPECT_EQ(walk(VirtAddr(0)).end, WalkEnd::invalid_entry);
}

TEST_F(ExplainTest, CopyOnWriteIsNamed) {
  put(0, 3, Pte::table(Ppn(ppn(1))).raw());
  put(1, 4, Pte::leaf(Ppn(0x12200), Permissions::read_write().user(), Level::mega).as_copy_on_write().raw());
  EXPECT_EQ(walk(address_of_indices(3, 4, 5)).verdict(Access::write, Privilege::user), Verdict::copy_on_write);
  EXPECT_EQ(walk(address_of_indices(3, 4, 5)).verdict(Access::read, Privilege::user), Verdict::allowed);
}

TEST_F(ExplainTest, AgreesWithHardwareOnHostileTables) {
  std::mt19937_64 random(20260101);
  const auto read = [this](u64 at) { return arena_.word(at); };
  u64 agreed = 0;
  for (int round = 0; round < 60; ++round) {
    for (u64 frame = 0; frame < frames; ++frame) {
      for (unsigned i = 0; i < entries_per_table; ++i) {
        u64 raw = random() % 1024;  // flags
        if (random() % 2 == 0) raw = (raw & ~u64{0x0e}) | 1;  // often a pointer ...
        if (random() % 2 == 0) raw &= ~u64{0xd0};  // ... often a legal one
        u64 target = ppn(random() % frames);
        if (random() % 4 == 0) target = random() % (u64{1} << 44);
        if (random() % 4 == 0) target = target / 512 * 512;
        raw |= target << 10;
        if (random() % 16 == 0) raw |= u64{1} << (54 + random() % 10);
        if (random() % 8 == 0) raw = random();
        put(frame, i, raw);
      }
    }
    for (int probe = 0; probe < 3000; ++probe) {
      u64 va = random() % (u64{1} << 39);
      if ((va & (u64{1} << 38)) != 0) va |= upper_half_begin;
      if (random() % 50 == 0) va = random();
      const Walk mine = walk(VirtAddr(va));
      for (const auto& [access, kind] :
           {std::pair{Access::read, model::AccessKind::load}, std::pair{Access::write, model::AccessKind::store},
            std::pair{Access::execute, model::AccessKind::fetch}}) {
        for (const bool user : {true, false}) {
          for (const bool sum : {true, false}) {
            const auto theirs =
                model::translate(read, arena_.base(), va, kind,
                                 {user ? model::Privilege::user : model::Privilege::supervisor, sum, false});
            const Verdict verdict =
                mine.verdict(access, user ? Privilege::user : Privilege::supervisor, sum ? Sum::set : Sum::clear);
            // The step whose entry could not be read is part of the explanation.
            ASSERT_EQ(mine.step_count, theirs.steps + (theirs.fault == FaultKind::access ? 1 : 0));
            for (unsigned i = 0; i < theirs.steps; ++i) {
              ASSERT_EQ(mine.steps[i].entry_address.value(), theirs.step[i].pte_address);
              if (i + 1 < theirs.steps || theirs.fault != FaultKind::access) {
                ASSERT_EQ(mine.steps[i].entry.raw(), theirs.step[i].pte);
              }
            }
            // Reserved encodings have several names in hardware's order of checks; all of them mean "refused for ever".
            FaultKind expected = theirs.fault;
            const bool reserved = mine.end == WalkEnd::reserved_encoding;
            if (reserved) {
              ASSERT_NE(theirs.fault, FaultKind::none);
              continue;
            }
            ASSERT_EQ(as_hardware(verdict, access, mine.last_entry()), expected)
                << std::hex << va << " entry " << mine.last_entry().raw() << " " << describe(verdict);
            if (theirs.ok()) ASSERT_EQ(mine.physical.value(), theirs.physical);
            ++agreed;
          }
        }
      }
    }
  }
  EXPECT_GT(agreed, 100000u);
}

TEST_F(ExplainTest, EveryVerdictHasWords) {
  for (unsigned v = 0; v <= static_cast<unsigned>(Verdict::dirty_clear); ++v) {
    EXPECT_STRNE(describe(static_cast<Verdict>(v)), "unknown verdict");
  }
  EXPECT_STREQ(describe(static_cast<Verdict>(99)), "unknown verdict");
}

}  // namespace
