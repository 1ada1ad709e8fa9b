// SPDX-License-Identifier: MIT
// Strategy: a kit owns a private arena whose frames all come back at the end, a TLB model that keeps every
// translation until fenced, and the software MMU as the judge of what is mapped: after every operation the tables are
// read by the MMU, never by the cursor. Each operation is met with leaves at every level, at the edges of tables and
// of both halves of the address space; `map` with a failing allocation at every n. Addresses show their indices.
// The random property test is in cursor_random_test.cpp.
#include "sv39/cursor_kit.hpp"

namespace {

using namespace sv39;
using model::AccessKind;
using model::FaultKind;

constexpr u64 kib4 = 4096, mib2 = 2 << 20, gib1 = 1 << 30;

VirtRange range(VirtAddr begin, u64 bytes) { return *VirtRange::from(begin, bytes); }

class CursorTest : public ::testing::Test, protected CursorKit {
 protected:
  CursorTest() : CursorKit(8 << 20) {}
  ~CursorTest() override {
    model_.check(0);
    expect_no_complaints();
  }

  std::expected<void, Error> map(VirtAddr va, u64 bytes, Ppn first,
                                 Permissions permissions = Permissions::read_write().user(),
                                 Level largest = Level::base, Splitting splitting = Splitting::possible) {
    auto result = cursor_.map(range(va, bytes), first, permissions, tables_, largest, splitting);
    Batch batch(tlb_, data_);
    batch.changed(va, bytes / kib4);
    return result;
  }
  model::Translation walk(VirtAddr va, AccessKind kind = AccessKind::load) {
    const auto read = [this](u64 at) { return arena_.word(at); };
    return model::translate(read, root_.address().value(), va.value(), kind, model::Context{});
  }
  u64 physical(VirtAddr va) {
    // Serving it fills the TLB model, so that every later change owes a fence.
    const model::Served served = model_.access(0, va.value(), AccessKind::load, model::Context{});
    EXPECT_FALSE(served.spurious) << "map must be followed by a fence";
    return served.fault == FaultKind::none ? served.physical : 0;
  }
  bool mapped(VirtAddr va) { return walk(va).ok(); }
  unsigned level_at(VirtAddr va) { return walk(va).last().level; }
};

TEST_F(CursorTest, EmptyTreeHasOneHoleForEachRootEntry) {
  for (const u64 va : {u64{0}, gib1 - 1, gib1, user_half_end - 1, upper_half_begin, ~u64{0}}) {
    const Mapping hole = cursor_.query(VirtAddr(va));
    EXPECT_FALSE(hole.is_mapped());
    EXPECT_EQ(hole.level, Level::giga);
    EXPECT_EQ(hole.begin.value(), va / gib1 * gib1);
    EXPECT_EQ(hole.bytes(), gib1);
    EXPECT_EQ(cursor_.translate(VirtAddr(va)), std::nullopt);
  }
  EXPECT_EQ(cursor_.translate(VirtAddr(user_half_end)), std::nullopt) << "not canonical";
  EXPECT_EQ(cursor_.next(range(VirtAddr(0), user_half_end)), std::nullopt);
}

TEST_F(CursorTest, MapsASinglePageAtEveryEdge) {
  for (const VirtAddr va : {address_of_indices(0, 0, 0), address_of_indices(0, 0, 511), address_of_indices(0, 511, 511),
                            address_of_indices(1, 0, 0), address_of_indices(255, 511, 511),
                            address_of_indices(256, 0, 0), address_of_indices(511, 511, 511)}) {
    const Ppn frame = data_.run(1, 1);
    ASSERT_TRUE(map(va, kib4, frame));
    EXPECT_EQ(physical(va + 0xabc), frame.address().value() + 0xabc);
    EXPECT_EQ(cursor_.translate(va + 0xabc), frame.address() + 0xabc);
    const Mapping mapping = cursor_.query(va + 5);
    EXPECT_EQ(mapping.begin, va);
    EXPECT_EQ(mapping.level, Level::base);
    EXPECT_TRUE(mapping.is_mapped());
  }
  tear_down_space();
  EXPECT_EQ(data_.in_use(), 0u);
}

TEST_F(CursorTest, MapRefusesBadArgumentsAndChangesNothing) {
  EXPECT_EQ(map(VirtAddr(1), kib4, Ppn(8)).error().kind, ErrorKind::misaligned);
  EXPECT_EQ(map(VirtAddr(0), kib4 - 1, Ppn(8)).error().kind, ErrorKind::misaligned);
  EXPECT_EQ(map(VirtAddr(0), kib4, Ppn(u64{1} << 44)).error().kind, ErrorKind::overflow);
  EXPECT_EQ(map(VirtAddr(0), 2 * kib4, Ppn((u64{1} << 44) - 1)).error().kind, ErrorKind::overflow);
  EXPECT_EQ(map(VirtAddr(0), 2 * kib4, Ppn(~u64{0})).error().kind, ErrorKind::overflow) << "frame number wraps";
  EXPECT_TRUE(map(VirtAddr(0), 0, Ppn(8))) << "nothing to do";
  EXPECT_EQ(tables_.in_use(), 1u);
  EXPECT_EQ(writes_, 0u);
}

TEST_F(CursorTest, MapRefusesWhatIsMappedWhereverItIs) {
  const VirtAddr at = address_of_indices(3, 4, 5);
  ASSERT_TRUE(map(at, kib4, data_.run(1, 1)));
  const u64 before = writes_;
  const std::size_t tables = tables_.in_use();
  for (const u64 pages_before : {u64{0}, u64{1}, u64{5}, u64{600}}) {
    const auto result = map(VirtAddr(at.value() - pages_before * kib4), (pages_before + 2) * kib4, Ppn(8));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::already_mapped);
    EXPECT_EQ(result.error().where, at.value());
    EXPECT_NE(result.error().old_entry, 0u);
  }
  EXPECT_EQ(writes_, before);
  EXPECT_EQ(tables_.in_use(), tables);
  tear_down_space();
}

TEST_F(CursorTest, SuperpageLeavesWhereverBothAddressesAreAligned) {
  // From one page below a megapage to one page above the next: page, megapage, megapage, page.
  const Ppn frames = Ppn(0x40000000 - 1);
  const VirtAddr va = VirtAddr(address_of_indices(3, 4, 0).value() - kib4);
  ASSERT_TRUE(map(va, kib4 + 2 * mib2 + kib4, frames, Permissions::read_write().user(), Level::mega));
  EXPECT_EQ(level_at(va), 0u);
  EXPECT_EQ(level_at(va + kib4), 1u);
  EXPECT_EQ(level_at(va + kib4 + mib2), 1u);
  EXPECT_EQ(level_at(va + kib4 + 2 * mib2), 0u);
  for (u64 offset = 0; offset < 2 * kib4 + 2 * mib2; offset += 97 * 41) {
    EXPECT_EQ(physical(va + offset), frames.address().value() + offset);
  }
  EXPECT_EQ(tables_.deposited(), 2u);
  // A frame that is aligned differently: base pages only.
  ASSERT_TRUE(map(address_of_indices(7, 0, 0), mib2, Ppn(0x50000001), Permissions::read_only(), Level::mega));
  EXPECT_EQ(level_at(address_of_indices(7, 0, 0)), 0u);
  // A gigapage needs Splitting::never.
  ASSERT_TRUE(
      map(address_of_indices(8, 0, 0), gib1, Ppn(0x80000000), Permissions::read_only(), Level::giga, Splitting::never));
  EXPECT_EQ(level_at(address_of_indices(8, 0, 0)), 2u);
  ASSERT_TRUE(map(address_of_indices(9, 0, 0), gib1, Ppn(0x90000000), Permissions::read_only(), Level::giga));
  EXPECT_EQ(level_at(address_of_indices(9, 0, 0)), 1u);
}

TEST_F(CursorTest, MegapagesWithoutDepositTakeNoTable) {
  ASSERT_TRUE(map(address_of_indices(3, 0, 0), 4 * mib2, Ppn(0x40000000), Permissions::read_only(), Level::mega,
                  Splitting::never));
  EXPECT_EQ(tables_.deposited(), 0u);
  EXPECT_EQ(tables_.in_use(), 2u) << "root and one level-1 node";
}

TEST_F(CursorTest, TablesForMegapagesEndOneLevelAbove) {
  const VirtRange two = range(address_of_indices(3, 511, 0), 2 * mib2);
  ASSERT_TRUE(cursor_.want_tables(two, Level::mega, tables_));
  ASSERT_TRUE(tables_.reserve());
  cursor_.link_tables(two, Level::mega, tables_);
  EXPECT_EQ(tables_.in_use(), 3u) << "root and the level-1 nodes of two gigabytes";
  EXPECT_TRUE(cursor_.can_put_megapage(two.begin()));
  ASSERT_TRUE(
      map(address_of_indices(8, 0, 0), gib1, Ppn(0x80000000), Permissions::read_only(), Level::giga, Splitting::never));
  EXPECT_FALSE(cursor_.can_put_megapage(address_of_indices(8, 7, 0))) << "a gigapage is there";
}

TEST_F(CursorTest, AnEmptyLevel0TableKeepsMapFromUsingAMegapage) {
  const VirtAddr va = address_of_indices(3, 4, 0);
  ASSERT_TRUE(map(va, kib4, data_.run(1, 1)));
  {
    Batch batch(tlb_, data_);
    cursor_.unmap(range(va, kib4), tables_, batch);
  }
  ASSERT_TRUE(map(va, mib2, Ppn(0x40000000), Permissions::read_write(), Level::mega));
  EXPECT_EQ(level_at(va), 0u);
}

TEST_F(CursorTest, MapIsAllOrNothingAtEveryFailure) {
  struct Case {
    VirtAddr va;
    u64 bytes;
    Ppn first;
    Level largest;
  };
  const Case cases[] = {
      {address_of_indices(0, 0, 0), kib4, Ppn(8), Level::base},
      {address_of_indices(3, 511, 510), 4 * kib4, Ppn(0x1000), Level::base},       // across a gigabyte
      {address_of_indices(3, 4, 500), mib2 * 3, Ppn(0x40000000 + 500), Level::mega},  // pages, megapages, pages
      {address_of_indices(3, 511, 0), mib2 * 2, Ppn(0x48000000), Level::mega},
      {address_of_indices(253, 511, 511), gib1 + 2 * kib4, Ppn(0x80000000 - 1), Level::giga},
      {address_of_indices(511, 511, 511), kib4, Ppn(0x2000), Level::base},
  };
  for (const Case& c : cases) {
    const std::size_t used = tables_.in_use();
    const u64 writes = writes_;
    unsigned n = 1;
    for (;; ++n) {
      ASSERT_LT(n, 600u) << "no failure left to inject, yet it fails";
      tables_.fail_at(n);
      const auto result = map(c.va, c.bytes, c.first, Permissions::read_write().user(), c.largest,
                              c.largest == Level::giga ? Splitting::never : Splitting::possible);
      if (result) break;
      ASSERT_EQ(result.error().kind, ErrorKind::out_of_memory) << c.va.value();
      EXPECT_EQ(tables_.in_use(), used);
      EXPECT_EQ(writes_, writes) << "a failed map writes nothing";
      EXPECT_EQ(tables_.unused_reservations(), 0u);
    }
    EXPECT_EQ(tables_.in_use(), used + n - 1) << "every frame it asked for is used: n - 1 failures, n - 1 frames";
    tables_.fail_at(0);
    EXPECT_EQ(physical(c.va), c.first.address().value());
    EXPECT_EQ(physical(VirtAddr(c.va.value() + c.bytes - kib4)), c.first.address().value() + c.bytes - kib4);
    Batch batch(tlb_, data_);
    cursor_.unmap(range(c.va, c.bytes), tables_, batch);
    batch.flush();
    free_tables(range(c.va, c.bytes));
    EXPECT_EQ(tables_.in_use(), 1u);
  }
}

TEST_F(CursorTest, UnmapOfPartOfAMegapageSplitsItWithoutMemory) {  // V17
  const VirtAddr va = address_of_indices(3, 4, 0);
  for (const auto& [offset, bytes] : {std::pair<u64, u64>{0, kib4},
                                      {mib2 - kib4, kib4},
                                      {77 * kib4, 5 * kib4},
                                      {0, mib2 - kib4},
                                      {kib4, mib2 - kib4}}) {
    const Ppn first = data_.run(512, 512);
    ASSERT_TRUE(map(va, mib2, first, Permissions::read_write().user(), Level::mega));
    ASSERT_EQ(level_at(va), 1u);
    physical(va + offset);
    tables_.fail_at(1);  // nothing may be allocated from here on
    const u64 released = data_.released();
    {
      Batch batch(tlb_, data_);
      cursor_.unmap(range(va + offset, bytes), tables_, batch);
    }
    EXPECT_TRUE(tables_.fail_pending());
    tables_.fail_at(0);
    EXPECT_EQ(data_.released() - released, bytes / kib4);
    for (u64 at = 0; at < mib2; at += kib4) {
      const bool gone = at >= offset && at < offset + bytes;
      EXPECT_EQ(physical(va + at), gone ? 0 : first.address().value() + at);
    }
    EXPECT_EQ(level_at(va), 0u);
    tear_down_space();
    EXPECT_EQ(data_.in_use(), 0u);
  }
}

TEST_F(CursorTest, UnmapOfAWholeMegapageReleasesOneSuperpage) {
  const VirtAddr va = address_of_indices(3, 4, 0);
  ASSERT_TRUE(map(va, 2 * mib2, data_.run(1024, 512), Permissions::read_write().user(), Level::mega));
  physical(va);
  {
    Batch batch(tlb_, data_);
    cursor_.unmap(range(va, mib2), tables_, batch);
  }
  EXPECT_EQ(tables_.splits(), 0u);
  EXPECT_EQ(data_.released(), 512u);
  EXPECT_FALSE(mapped(va));
  EXPECT_TRUE(mapped(va + mib2));
  tear_down_space();
}

TEST_F(CursorTest, UnmapSkipsHoles) {  // V1
  const VirtAddr va = address_of_indices(3, 4, 5);
  ASSERT_TRUE(map(va, kib4, data_.run(1, 1)));
  ASSERT_TRUE(map(va + gib1, kib4, data_.run(1, 1)));
  Batch batch(tlb_, data_);
  cursor_.unmap(range(VirtAddr(0), user_half_end), tables_, batch);
  batch.flush();
  EXPECT_EQ(data_.in_use(), 0u);
  cursor_.unmap(range(VirtAddr(0), user_half_end), tables_, batch);
  cursor_.unmap(range(VirtAddr(0), 0), tables_, batch);
  batch.flush();
  EXPECT_EQ(data_.released(), 2u);
}

TEST_F(CursorTest, ProtectSplitsAtTheEdgesOnly) {
  const VirtAddr va = address_of_indices(3, 4, 0);
  const Ppn first = data_.run(512 * 3, 512);
  ASSERT_TRUE(map(va, 3 * mib2, first, Permissions::read_write().user(), Level::mega));
  for (u64 at = 0; at < 3 * mib2; at += 100 * kib4) physical(va + at);
  {
    Batch batch(tlb_, data_);
    cursor_.protect(range(va + kib4, 3 * mib2 - 2 * kib4), Permissions::read_only().user(), tables_, batch);
  }
  EXPECT_EQ(level_at(va), 0u);
  EXPECT_EQ(level_at(va + mib2), 1u);
  EXPECT_EQ(level_at(va + 2 * mib2), 0u);
  EXPECT_EQ(tables_.splits(), 2u);
  for (u64 at = 0; at < 3 * mib2; at += kib4) {
    const bool edge = at == 0 || at == 3 * mib2 - kib4;
    ASSERT_EQ(walk(va + at, AccessKind::store).ok(), edge) << at;
    ASSERT_EQ(walk(va + at).physical, first.address().value() + at);
  }
  tear_down_space();
}

TEST_F(CursorTest, ProtectNeverMakesASharedFrameWritable) {  // V6
  const VirtAddr va = address_of_indices(3, 4, 5);
  ASSERT_TRUE(map(va, kib4, data_.run(1, 1)));
  const Slot slot = cursor_.find(va);
  cursor_.replace(slot, slot.pte.as_copy_on_write());
  tlb_.fence_page(va);
  Batch batch(tlb_, data_);
  cursor_.protect(range(va, kib4), Permissions::read_write().user(), tables_, batch);
  EXPECT_FALSE(walk(va, AccessKind::store).ok());
  EXPECT_TRUE(cursor_.query(va).pte.is_copy_on_write());
  batch.flush();
  tear_down_space();
}

TEST_F(CursorTest, PromoteUndoesSplit) {
  const VirtAddr va = address_of_indices(3, 4, 0);
  const Ppn first = data_.run(512, 512);
  ASSERT_TRUE(map(va, mib2, first, Permissions::read_write().user(), Level::mega));
  physical(va);
  const std::size_t used = tables_.in_use();
  {
    Batch batch(tlb_, data_);
    const model::FenceCounts before = model_.fences(0);
    cursor_.split(va + 7 * kib4, tables_, batch);
    batch.flush();
    // The superpage may be remembered in pieces, beside the pages that are remembered from now on: one page's fence
    // would leave the others.
    EXPECT_EQ(model_.fences(0).asid, before.asid + 1);
    EXPECT_EQ(model_.fences(0).page, before.page);
    cursor_.split(va, tables_, batch);  // nothing left to split
  }
  EXPECT_EQ(level_at(va), 0u);
  EXPECT_EQ(tables_.deposited(), 0u);
  for (u64 at = 0; at < mib2; at += kib4) ASSERT_EQ(physical(va + at), first.address().value() + at);
  {
    Batch batch(tlb_, data_);
    EXPECT_TRUE(cursor_.promote(va + 9 * kib4, tables_, batch));
    EXPECT_FALSE(cursor_.promote(va, tables_, batch)) << "is one already";
  }
  EXPECT_EQ(level_at(va), 1u);
  EXPECT_EQ(tables_.deposited(), 1u);
  EXPECT_EQ(tables_.in_use(), used);
  for (u64 at = 0; at < mib2; at += kib4) ASSERT_EQ(physical(va + at), first.address().value() + at);
  tear_down_space();
}

TEST_F(CursorTest, PromoteRefusesEachImperfection) {
  const VirtAddr va = address_of_indices(3, 4, 0);
  const Ppn first = data_.run(512, 512);
  Batch batch(tlb_, data_);
  EXPECT_FALSE(cursor_.promote(va, tables_, batch)) << "no table";
  ASSERT_TRUE(map(va, mib2, first));
  ASSERT_EQ(level_at(va), 0u);
  for (const unsigned victim : {0u, 1u, 255u, 511u}) {
    const Slot slot = cursor_.find(va + victim * kib4);
    const Pte good = slot.pte;
    for (const Pte bad : {Pte(), good.with_frame(good.ppn() + 1), good.as_copy_on_write(), good.without_accessed(),
                          good.without_dirty(), Pte::leaf(good.ppn(), Permissions::read_write())}) {
      cursor_.replace(slot, bad);
      tlb_.fence_page(va + victim * kib4);
      EXPECT_FALSE(cursor_.promote(va, tables_, batch)) << victim;
      EXPECT_EQ(level_at(va + 2 * kib4), 0u);
    }
    cursor_.replace(slot, good);
    tlb_.fence_page(va + victim * kib4);
  }
  EXPECT_TRUE(cursor_.promote(va, tables_, batch));
  batch.flush();
  tear_down_space();
  // Contiguous and of equal rights, but not aligned.
  ASSERT_TRUE(map(va, mib2, Ppn(0x60000001)));
  EXPECT_FALSE(cursor_.promote(va, tables_, batch));
}

TEST_F(CursorTest, TablesCanBeLinkedBeforeTheLeaves) {
  const VirtRange both = range(address_of_indices(3, 511, 511), 2 * kib4);
  ASSERT_TRUE(cursor_.want_tables(both, Level::base, tables_));
  ASSERT_TRUE(tables_.reserve());
  cursor_.link_tables(both, Level::base, tables_);
  EXPECT_EQ(tables_.in_use(), 5u);
  const Ppn a = data_.run(1, 1), b = data_.run(1, 1);
  cursor_.put(both.begin(), Pte::leaf(a, Permissions::read_only().user()));
  cursor_.put(both.begin() + kib4, Pte::leaf(b, Permissions::read_only().user()));
  EXPECT_EQ(physical(both.begin()), a.address().value());
  EXPECT_EQ(physical(both.begin() + kib4), b.address().value());
  ASSERT_TRUE(cursor_.want_tables(both, Level::base, tables_)) << "nothing more is wanted";
  ASSERT_TRUE(tables_.reserve());
  EXPECT_EQ(tables_.unused_reservations(), 0u);
  EXPECT_TRUE(cursor_.want_tables(both, Level::giga, tables_));
  cursor_.link_tables(both, Level::giga, tables_);
  EXPECT_TRUE(cursor_.want_tables(range(VirtAddr(0), 0), Level::base, tables_));
  cursor_.link_tables(range(VirtAddr(0), 0), Level::base, tables_);
  tear_down_space();
}

TEST_F(CursorTest, WantTablesMeetsALargerLeaf) {
  const VirtAddr va = address_of_indices(3, 4, 0);
  ASSERT_TRUE(map(va, mib2, data_.run(512, 512), Permissions::read_write().user(), Level::mega));
  const auto result = cursor_.want_tables(range(va + 5 * kib4, kib4), Level::base, tables_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::already_mapped);
  EXPECT_TRUE(cursor_.want_tables(range(va, mib2), Level::mega, tables_)) << "a megapage fits the question";
  tear_down_space();
}

TEST_F(CursorTest, PutMegapageUsesAnEmptyTableAsItsDeposit) {
  const VirtAddr va = address_of_indices(3, 4, 0);
  EXPECT_TRUE(cursor_.can_put_megapage(va));
  ASSERT_TRUE(map(va + kib4, kib4, data_.run(1, 1)));
  EXPECT_FALSE(cursor_.can_put_megapage(va)) << "a page is in the way";
  {
    Batch batch(tlb_, data_);
    cursor_.unmap(range(va + kib4, kib4), tables_, batch);
  }
  EXPECT_TRUE(cursor_.can_put_megapage(va)) << "the table is empty";
  EXPECT_EQ(physical(va), 0u);
  const std::size_t used = tables_.in_use();
  {
    Batch batch(tlb_, data_);
    cursor_.put_megapage(va, Pte::leaf(data_.run(512, 512), Permissions::read_write().user(), Level::mega), tables_,
                         batch);
  }
  EXPECT_EQ(tables_.in_use(), used);
  EXPECT_EQ(tables_.deposited(), 1u);
  EXPECT_NE(physical(va), 0u);
  EXPECT_FALSE(cursor_.can_put_megapage(va)) << "there is one";

  // Without a table: the deposit comes from the reservation.
  const VirtAddr next = va + mib2;
  tables_.want(Level::base, next);
  ASSERT_TRUE(tables_.reserve());
  {
    Batch batch(tlb_, data_);
    cursor_.put_megapage(next, Pte::leaf(data_.run(512, 512), Permissions::read_write().user(), Level::mega), tables_,
                         batch);
  }
  EXPECT_EQ(tables_.deposited(), 2u);
  tear_down_space();
}

TEST_F(CursorTest, NextAndForEachLeafSeeEveryLevelInOrder) {
  ASSERT_TRUE(map(address_of_indices(3, 4, 5), 2 * kib4, data_.run(2, 1)));
  ASSERT_TRUE(
      map(address_of_indices(3, 5, 0), mib2, data_.run(512, 512), Permissions::read_write().user(), Level::mega));
  ASSERT_TRUE(
      map(address_of_indices(9, 0, 0), gib1, Ppn(0x80000000), Permissions::read_only(), Level::giga, Splitting::never));
  ASSERT_TRUE(map(address_of_indices(511, 511, 511), kib4, data_.run(1, 1)));
  std::vector<u64> seen;
  const auto collect = [&](VirtRange in) {
    seen.clear();
    cursor_.for_each_leaf(in, [&](const Slot& slot, VirtAddr begin) {
      EXPECT_TRUE(slot.pte.is_leaf());
      seen.push_back(begin.value());
    });
    // next() from each end must give the same sequence.
    std::vector<u64> by_next;
    VirtRange rest = in;
    while (const auto found = cursor_.next(rest)) {
      by_next.push_back(found->begin.value());
      const u64 past = found->begin.value() + found->bytes() - in.begin().value();
      if (past >= in.bytes()) break;
      rest = range(in.begin() + past, in.bytes() - past);
    }
    EXPECT_EQ(by_next, seen);
    return seen;
  };
  using V = std::vector<u64>;
  const u64 p = address_of_indices(3, 4, 5).value(), m = address_of_indices(3, 5, 0).value(),
            g = address_of_indices(9, 0, 0).value(), t = address_of_indices(511, 511, 511).value();
  EXPECT_EQ(collect(range(VirtAddr(0), user_half_end)), (V{p, p + kib4, m, g}));
  EXPECT_EQ(collect(range(VirtAddr(upper_half_begin), user_half_end)), (V{t}));
  EXPECT_EQ(collect(range(VirtAddr(p + kib4), 1)), (V{p + kib4}));
  EXPECT_EQ(collect(range(VirtAddr(p + 5), kib4)), (V{p, p + kib4})) << "unaligned ranges meet what they touch";
  EXPECT_EQ(collect(range(VirtAddr(m + 77 * kib4), kib4)), (V{m}));
  EXPECT_EQ(collect(range(VirtAddr(m + mib2), gib1)), V{});
  EXPECT_EQ(collect(range(VirtAddr(g + mib2 + 5), 1)), (V{g}));
  EXPECT_EQ(collect(range(VirtAddr(p), 0)), V{});
  EXPECT_EQ(collect(range(VirtAddr(~u64{0}), 1)), (V{t}));
}

TEST_F(CursorTest, FindStopsAtTheLevelThatItIsTold) {
  const VirtAddr va = address_of_indices(3, 4, 5);
  ASSERT_TRUE(map(va, kib4, data_.run(1, 1)));
  for (int repeat = 0; repeat < 2; ++repeat) {  // the second time from the remembered path
    EXPECT_EQ(cursor_.find(va).level, Level::base);
    EXPECT_EQ(cursor_.find(va).index, 5u);
    EXPECT_EQ(cursor_.find(va, Level::mega).level, Level::mega);
    EXPECT_EQ(cursor_.find(va, Level::mega).index, 4u);
    EXPECT_TRUE(cursor_.find(va, Level::mega).pte.is_table());
    EXPECT_EQ(cursor_.find(va, Level::giga).level, Level::giga);
    EXPECT_EQ(cursor_.find(va, Level::giga).node_ppn, root_);
    EXPECT_EQ(cursor_.find(address_of_indices(3, 9, 5)).level, Level::mega);
    EXPECT_EQ(cursor_.find(address_of_indices(4, 4, 5)).level, Level::giga);
    EXPECT_FALSE(cursor_.find(address_of_indices(4, 4, 5)).pte.is_valid());
  }
  tear_down_space();
}

TEST_F(CursorTest, FreeTablesStopsAtALeafAndNamesIt) {  // xv6: panic "freewalk: leaf"
  const VirtAddr va = address_of_indices(3, 4, 5);
  ASSERT_TRUE(map(va, kib4, data_.run(1, 1)));
  ASSERT_TRUE(map(address_of_indices(3, 9, 0), mib2, data_.run(512, 512), Permissions::read_only(), Level::mega));
  ASSERT_TRUE(map(address_of_indices(5, 9, 0), kib4, data_.run(1, 1)));
  const auto culprit = cursor_.free_tables(range(VirtAddr(0), user_half_end), tables_);
  ASSERT_TRUE(culprit);
  EXPECT_EQ(culprit->begin, va);
  EXPECT_EQ(culprit->level, Level::base);
  EXPECT_TRUE(mapped(va)) << "a leaf keeps its tables";
  tear_down_space();
}

TEST_F(CursorTest, FreeTablesGoesThroughTheIndicesOfItsRangeOnly) {
  ASSERT_TRUE(map(address_of_indices(3, 4, 5), kib4, data_.run(1, 1)));
  ASSERT_TRUE(map(address_of_indices(5, 4, 5), kib4, data_.run(1, 1)));
  Batch batch(tlb_, data_);
  cursor_.unmap(range(VirtAddr(0), user_half_end), tables_, batch);
  batch.flush();
  EXPECT_EQ(tables_.in_use(), 5u);
  free_tables(range(address_of_indices(3, 4, 5), kib4));  // a part stands for the tables that it touches
  EXPECT_EQ(tables_.in_use(), 3u);
  free_tables(range(VirtAddr(0), 0));
  EXPECT_EQ(tables_.in_use(), 3u);
  free_tables(range(address_of_indices(4, 0, 0), 2 * gib1));
  EXPECT_EQ(tables_.in_use(), 1u);
}

TEST_F(CursorTest, TheRememberedPathSurvivesJumps) {
  // The path that the cursor remembers must not leak into another table's answers: jump between two at every page.
  ASSERT_TRUE(map(address_of_indices(3, 4, 0), 600 * kib4, data_.run(600, 1)));
  ASSERT_TRUE(map(address_of_indices(4, 4, 0), 600 * kib4, data_.run(600, 1)));
  std::vector<std::pair<VirtAddr, PhysAddr>> expected;
  for (u64 i = 0; i < 600; ++i) {
    for (const unsigned giga : {3u, 4u}) {
      const VirtAddr va = address_of_indices(giga, 4, 0) + i * kib4;
      expected.emplace_back(va, PhysAddr(walk(va).physical));
    }
  }
  for (const auto& [va, pa] : expected) ASSERT_EQ(cursor_.translate(va), pa);
  tear_down_space();
}

}  // namespace
