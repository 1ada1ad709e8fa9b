// SPDX-License-Identifier: MIT
// Strategy: every function of sv39/address.hpp at every boundary that Sv39 has (0, page edges, superpage edges,
// 2^38 - 1, 2^38, 2^39 and their neighbours, the canonical hole's far edge, -1), against arithmetic in 128 bits
// written here; then a property sweep over random addresses. What is constexpr is asserted at compile time too.
#include "sv39/address.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <vector>

namespace {

using namespace sv39;

using Wide = unsigned __int128;

constexpr u64 top = u64{1} << 38;

// Single addresses worth trying: each power-of-two edge that matters, with both neighbours.
std::vector<u64> boundary_addresses() {
  std::vector<u64> all;
  for (const u64 edge : {u64{0}, u64{4096}, u64{2} << 20, u64{1} << 30, u64{0xC000000}, u64{0x80000000}, top - 3 * 4096,
                         top - 2 * 4096, top - 4096, top, u64{1} << 39, u64{1} << 40, u64{1} << 56, u64{1} << 63,
                         ~u64{0} << 39, ~u64{0} << 38, ~u64{0} - 4095}) {
    for (const u64 delta : {u64{0}, u64{1}, u64{4095}, u64{4096}, ~u64{0}, ~u64{0} - 4095}) all.push_back(edge + delta);
  }
  all.push_back(~u64{0});
  return all;
}

bool canonical(u64 va) {
  const bool bit38 = ((va >> 38) & 1) != 0;
  for (unsigned b = 39; b < 64; ++b) {
    if ((((va >> b) & 1) != 0) != bit38) return false;
  }
  return true;
}

TEST(Address, LevelsCountDownFromTheRoot) {
  static_assert(root_level == Level::giga && below(Level::giga) == Level::mega && below(Level::mega) == Level::base);
  static_assert(above(Level::base) == Level::mega && above(Level::mega) == Level::giga);
  static_assert(shift_of(Level::base) == 12 && shift_of(Level::mega) == 21 && shift_of(Level::giga) == 30);
  static_assert(bytes_of(Level::base) == 4096 && bytes_of(Level::mega) == 2 << 20 && bytes_of(Level::giga) == 1 << 30);
  static_assert(pages_of(Level::base) == 1 && pages_of(Level::mega) == 512 && pages_of(Level::giga) == 512 * 512);
  static_assert(user_half_end == top && upper_half_begin == 0xffffffc000000000);
}

template <class Number>
void compare_by_value() {
  EXPECT_TRUE((Number(5) <=> Number(5)) == 0);
  EXPECT_TRUE((Number(5) <=> Number(6)) < 0);
  EXPECT_TRUE((Number(6) <=> Number(5)) > 0);
}

TEST(Address, ComparesByValue) {
  compare_by_value<Ppn>();
  compare_by_value<Vpn>();
  compare_by_value<PhysAddr>();
  compare_by_value<VirtAddr>();
  const auto virt = [](u64 begin, u64 bytes) { return *VirtRange::from(VirtAddr(begin), bytes); };
  EXPECT_TRUE(virt(4096, 10) == virt(4096, 10));
  EXPECT_FALSE(virt(4096, 10) == virt(4096, 11));
  EXPECT_FALSE(virt(4096, 10) == virt(0, 10));
  const auto phys = [](u64 begin, u64 bytes) { return *PhysRange::from(PhysAddr(begin), bytes); };
  EXPECT_TRUE(phys(4096, 10) == phys(4096, 10));
  EXPECT_FALSE(phys(4096, 10) == phys(4096, 11));
  EXPECT_FALSE(phys(4096, 10) == phys(0, 10));
  EXPECT_TRUE(phys(4096, 10).intersects(phys(4105, 1)));
  EXPECT_FALSE(phys(4096, 10).intersects(phys(4100, 0))) << "nothing meets nothing";
  EXPECT_FALSE(phys(4096, 0).intersects(phys(4096, 10)));
  const Error error{ErrorKind::overflow, 1, 2};
  EXPECT_TRUE(error == (Error{ErrorKind::overflow, 1, 2}));
  EXPECT_FALSE(error == (Error{ErrorKind::misaligned, 1, 2}));
  EXPECT_FALSE(error == (Error{ErrorKind::overflow, 9, 2}));
  EXPECT_FALSE(error == (Error{ErrorKind::overflow, 1, 9}));
}

TEST(Address, FloorAndCeilAreTheXv6RoundingsWithoutWrap) {
  for (const u64 a : boundary_addresses()) {
    const u64 down = a / 4096, up = static_cast<u64>((Wide{a} + 4095) / 4096);
    EXPECT_EQ(VirtAddr(a).floor().value(), down) << std::hex << a;
    EXPECT_EQ(VirtAddr(a).ceil().value(), up) << std::hex << a;
    EXPECT_EQ(PhysAddr(a).floor().value(), down) << std::hex << a;
    EXPECT_EQ(PhysAddr(a).ceil().value(), up) << std::hex << a;
    EXPECT_EQ(VirtAddr(a).page_offset(), a % 4096);
    EXPECT_EQ(PhysAddr(a).page_offset(), a % 4096);
    EXPECT_EQ(VirtAddr(a).is_page_aligned(), a % 4096 == 0);
    EXPECT_EQ(PhysAddr(a).is_page_aligned(), a % 4096 == 0);
    EXPECT_EQ(VirtAddr(a).floor().address().value(), a & ~u64{4095});
    EXPECT_EQ(PhysAddr(a).floor().address().value(), a & ~u64{4095});
    for (const Level level : {Level::base, Level::mega, Level::giga}) {
      const u64 bytes = bytes_of(level);
      EXPECT_EQ(VirtAddr(a).offset_in(level), a % bytes);
      EXPECT_EQ(VirtAddr(a).align_down(level).value(), a - a % bytes);
      EXPECT_EQ(VirtAddr(a).is_aligned(level), a % bytes == 0);
      EXPECT_EQ(VirtAddr(a).floor().is_aligned(level), a / 4096 % pages_of(level) == 0);
      EXPECT_EQ(Ppn(a / 4096).is_aligned(level), a / 4096 % pages_of(level) == 0);
    }
  }
  static_assert(VirtAddr(~u64{0}).ceil().value() == u64{1} << 52, "PGROUNDUP(2^64 - 1) is not 0");
}

TEST(Address, CanonicalAndIndices) {
  for (const u64 a : boundary_addresses()) {
    EXPECT_EQ(VirtAddr(a).is_canonical(), canonical(a)) << std::hex << a;
    EXPECT_EQ(VirtAddr(a).is_lower_half(), a < top) << std::hex << a;
    EXPECT_EQ(VirtAddr(a).index(Level::base), (a >> 12) % 512);
    EXPECT_EQ(VirtAddr(a).index(Level::mega), (a >> 21) % 512);
    EXPECT_EQ(VirtAddr(a).index(Level::giga), (a >> 30) % 512);
    if (canonical(a)) {
      const VirtAddr va(a);
      EXPECT_EQ(address_of_indices(va.index(Level::giga), va.index(Level::mega), va.index(Level::base), a % 4096), va);
    }
  }
  static_assert(address_of_indices(255, 511, 511).value() == 0x3ffffff000);
  static_assert(address_of_indices(256, 0, 0).value() == 0xffffffc000000000);
}

TEST(Address, ArithmeticAndOrder) {
  static_assert(PhysAddr(8) + 4 == PhysAddr(12) && PhysAddr(12) - PhysAddr(8) == 4 && PhysAddr(8) < PhysAddr(12));
  static_assert(VirtAddr(8) + 4 == VirtAddr(12) && VirtAddr(12) - VirtAddr(8) == 4 && VirtAddr(8) < VirtAddr(12));
  static_assert(Ppn(8) + 4 == Ppn(12) && Ppn(12) - Ppn(8) == 4 && Ppn(8) < Ppn(12));
  static_assert(Vpn(8) + 4 == Vpn(12) && Vpn(12) - Vpn(8) == 4 && Vpn(8) < Vpn(12));
  static_assert(Ppn() == Ppn(0) && Vpn() == Vpn(0) && PhysAddr() == PhysAddr(0) && VirtAddr() == VirtAddr(0));
  static_assert(Ppn((u64{1} << 44) - 1).is_encodable() && !Ppn(u64{1} << 44).is_encodable());
}

TEST(VirtRange, AcceptsExactlyTheRangesInsideOneCanonicalHalf) {
  for (const u64 begin : boundary_addresses()) {
    for (const u64 bytes : boundary_addresses()) {
      const Wide end = Wide{begin} + bytes;
      const bool lower = begin < top && end <= top;
      const bool upper = begin >= ~u64{0} << 38 && end <= Wide{1} << 64;
      const auto range = VirtRange::from(VirtAddr(begin), bytes);
      ASSERT_EQ(range.has_value(), lower || upper) << std::hex << begin << " + " << bytes;
      if (!range) {
        EXPECT_EQ(range.error().kind, canonical(begin) ? ErrorKind::overflow : ErrorKind::not_canonical);
        EXPECT_EQ(range.error().where, begin);
        continue;
      }
      EXPECT_EQ(range->begin().value(), begin);
      EXPECT_EQ(range->bytes(), bytes);
      EXPECT_EQ(range->empty(), bytes == 0);
      EXPECT_EQ(range->end().value(), static_cast<u64>(end));
      if (bytes != 0) EXPECT_EQ(range->last().value(), begin + bytes - 1);
      EXPECT_EQ(range->page_count(), bytes / 4096);
      EXPECT_EQ(range->is_page_aligned(), begin % 4096 == 0 && bytes % 4096 == 0);
    }
  }
}

TEST(VirtRange, BetweenIsFromWithTheDifference) {
  for (const u64 begin : boundary_addresses()) {
    for (const u64 end : boundary_addresses()) {
      const auto range = VirtRange::between(VirtAddr(begin), VirtAddr(end));
      if (end < begin) {
        ASSERT_FALSE(range);
        EXPECT_EQ(range.error().kind, ErrorKind::overflow);
      } else {
        ASSERT_EQ(range, VirtRange::from(VirtAddr(begin), end - begin));
      }
    }
  }
}

TEST(VirtRange, ContainsAndIntersectsAgreeWithWideArithmetic) {
  std::vector<VirtRange> ranges;
  for (const u64 begin : boundary_addresses()) {
    for (const u64 bytes : {u64{0}, u64{1}, u64{4096}, u64{8192}, u64{2} << 20, top}) {
      if (const auto range = VirtRange::from(VirtAddr(begin), bytes)) ranges.push_back(*range);
    }
  }
  for (const VirtRange a : ranges) {
    const Wide a0 = a.begin().value(), a1 = a0 + a.bytes();
    for (const u64 point : boundary_addresses()) EXPECT_EQ(a.contains(VirtAddr(point)), point >= a0 && point < a1);
    for (const VirtRange b : ranges) {
      const Wide b0 = b.begin().value(), b1 = b0 + b.bytes();
      ASSERT_EQ(a.contains(b), b.empty() || (b0 >= a0 && b1 <= a1));
      ASSERT_EQ(a.intersects(b), !a.empty() && !b.empty() && b0 < a1 && a0 < b1);
    }
  }
  static_assert(VirtRange() == *VirtRange::from(VirtAddr(0), 0));
  static_assert(VirtRange::pages(Vpn(3), 2) == *VirtRange::from(VirtAddr(0x3000), 0x2000));
}

TEST(PhysRange, AcceptsExactlyWhatFits56Bits) {
  for (const u64 begin : boundary_addresses()) {
    for (const u64 bytes : boundary_addresses()) {
      const Wide end = Wide{begin} + bytes;
      const auto range = PhysRange::from(PhysAddr(begin), bytes);
      ASSERT_EQ(range.has_value(), end <= Wide{1} << 56 && begin <= u64{1} << 56) << std::hex << begin << "+" << bytes;
      if (!range) continue;
      EXPECT_EQ(range->begin().value(), begin);
      EXPECT_EQ(range->end().value(), begin + bytes);
      EXPECT_EQ(range->bytes(), bytes);
      EXPECT_EQ(range->empty(), bytes == 0);
      for (const u64 point : boundary_addresses()) {
        EXPECT_EQ(range->contains(PhysAddr(point)), point >= begin && Wide{point} < end);
      }
      const auto page = PhysRange::from(PhysAddr(0x1000), 0x1000);
      EXPECT_EQ(range->intersects(*page), bytes != 0 && begin < 0x2000 && end > 0x1000);
    }
  }
  static_assert(PhysRange() == *PhysRange::from(PhysAddr(0), 0));
}

TEST(Address, RandomAddressesRoundTrip) {
  EXPECT_TRUE(rc::check("indices and offset rebuild a canonical address", [] {
    const u64 low = *rc::gen::arbitrary<u64>();
    const u64 va = (low & (top - 1)) | ((low & top) != 0 ? ~u64{0} << 38 : 0);
    const VirtAddr a(va);
    RC_ASSERT(a.is_canonical());
    RC_ASSERT(address_of_indices(a.index(Level::giga), a.index(Level::mega), a.index(Level::base), a.page_offset()) ==
              a);
  }));
  EXPECT_TRUE(rc::check("a range of two random ends", [](u64 begin, u64 bytes) {
    const auto range = VirtRange::from(VirtAddr(begin), bytes);
    if (range && bytes != 0) RC_ASSERT(range->last().is_canonical() && range->contains(range->last()));
  }));
}

TEST(ErrorKind, EveryKindHasWords) {
  for (const ErrorKind kind :
       {ErrorKind::out_of_memory, ErrorKind::misaligned, ErrorKind::not_canonical, ErrorKind::overflow,
        ErrorKind::already_mapped, ErrorKind::not_mapped, ErrorKind::inside_superpage}) {
    EXPECT_STRNE(describe(kind), "unknown error");
  }
  EXPECT_STREQ(describe(static_cast<ErrorKind>(99)), "unknown error");
  static_assert(Error{ErrorKind::overflow, 1, 2} == Error{ErrorKind::overflow, 1, 2});
}

}  // namespace
