// SPDX-License-Identifier: MIT
// Strategy: the software MMU is the judge of everything else, so it is judged by hand: tables are written as
// raw numbers, and each rule of the privileged manual's translation process is met once by an address that
// obeys it and once by one that breaks only that rule. Test addresses show their indices: va(l2, l1, l0, offset).
#include "model/software_mmu.hpp"

#include <gtest/gtest.h>

#include <map>

namespace {

using namespace model;

constexpr std::uint64_t root = 0x80000000, middle = 0x80001000, bottom = 0x80002000;

constexpr std::uint64_t va(std::uint64_t l2, std::uint64_t l1, std::uint64_t l0, std::uint64_t offset = 0) {
  const std::uint64_t low = (l2 << 30) | (l1 << 21) | (l0 << 12) | offset;
  return l2 >= 256 ? low | 0xffffff8000000000 : low;
}
constexpr std::uint64_t pte(std::uint64_t physical, std::uint64_t flags) { return ((physical >> 12) << 10) | flags; }

constexpr std::uint64_t rw = bit::v | bit::r | bit::w | bit::a | bit::d;

class SoftwareMmu : public ::testing::Test {
 protected:
  void put(std::uint64_t table, unsigned index, std::uint64_t value) { memory_[table + 8 * index] = value; }
  Translation go(std::uint64_t address, AccessKind kind = AccessKind::load, Context context = {}) {
    const auto read = [this](std::uint64_t at) -> std::optional<std::uint64_t> {
      if (at < root || at >= root + 0x10000) return std::nullopt;
      const auto found = memory_.find(at);
      return found == memory_.end() ? 0 : found->second;
    };
    return translate(read, root, address, kind, context);
  }
  void chain(std::uint64_t leaf) {
    put(root, 3, pte(middle, bit::v));
    put(middle, 4, pte(bottom, bit::v));
    put(bottom, 5, leaf);
  }
  static constexpr Context supervisor{Privilege::supervisor, false, false};
  static constexpr Context sum{Privilege::supervisor, true, false};
  static constexpr Context mxr{Privilege::user, false, true};

  std::map<std::uint64_t, std::uint64_t> memory_;
};

TEST_F(SoftwareMmu, TranslatesAtEveryLevel) {
  chain(pte(0x87654000, rw | bit::u));
  EXPECT_EQ(go(va(3, 4, 5, 0x123)).physical, 0x87654123u);
  EXPECT_EQ(go(va(3, 4, 5, 0x123)).steps, 3u);
  put(middle, 7, pte(0x87600000, rw | bit::u));
  EXPECT_EQ(go(va(3, 7, 511, 0xfff)).physical, 0x877fffffu);
  EXPECT_EQ(go(va(3, 7, 511, 0xfff)).last().level, 1u);
  put(root, 9, pte(0xc0000000, rw | bit::u));
  EXPECT_EQ(go(va(9, 511, 511, 0xfff)).physical, 0xffffffffu);
}

TEST_F(SoftwareMmu, HighestPhysicalAddressHas56Bits) {
  chain(pte(0xfffffffffff000, rw | bit::u));
  EXPECT_EQ(go(va(3, 4, 5, 0xabc)).physical, 0xfffffffffffabcu);
}

TEST_F(SoftwareMmu, CanonicalCheckLooksAtBit38) {
  put(root, 255, pte(0xc0000000, rw | bit::u));
  put(root, 256, pte(0x40000000, rw | bit::u));
  EXPECT_TRUE(go((std::uint64_t{1} << 38) - 1).ok());
  EXPECT_EQ(go(std::uint64_t{1} << 38).fault, FaultKind::non_canonical);
  EXPECT_EQ(go(std::uint64_t{1} << 39).fault, FaultKind::non_canonical);
  EXPECT_EQ(go(0xffffffbfffffffff).fault, FaultKind::non_canonical);
  EXPECT_TRUE(go(0xffffffc000000000).ok());
  EXPECT_EQ(go(~std::uint64_t{0}).fault, FaultKind::invalid);  // canonical, root[511] empty
  EXPECT_EQ(go(std::uint64_t{1} << 63).fault, FaultKind::non_canonical);
}

TEST_F(SoftwareMmu, InvalidAndReservedEncodings) {
  EXPECT_EQ(go(va(3, 4, 5)).fault, FaultKind::invalid);
  chain(pte(0x87654000, (rw | bit::u) & ~bit::v));
  EXPECT_EQ(go(va(3, 4, 5)).fault, FaultKind::invalid);
  chain(pte(0x87654000, (rw | bit::u) & ~bit::r));  // W without R
  EXPECT_EQ(go(va(3, 4, 5), AccessKind::store).fault, FaultKind::invalid);
  chain(pte(0x87654000, (rw | bit::u | bit::x) & ~bit::r));  // W and X without R
  EXPECT_EQ(go(va(3, 4, 5), AccessKind::fetch).fault, FaultKind::invalid);
  for (unsigned b = 54; b < 64; ++b) {
    chain(pte(0x87654000, rw | bit::u) | std::uint64_t{1} << b);
    EXPECT_EQ(go(va(3, 4, 5)).fault, FaultKind::reserved_bits) << b;
  }
  for (const std::uint64_t flag : {bit::a, bit::d, bit::u}) {
    chain(pte(0x87654000, rw | bit::u));
    put(middle, 4, pte(bottom, bit::v | flag));
    EXPECT_EQ(go(va(3, 4, 5)).fault, FaultKind::reserved_bits) << flag;
  }
  chain(pte(0x87654000, bit::v));  // a pointer where only a leaf may be
  EXPECT_EQ(go(va(3, 4, 5)).fault, FaultKind::no_leaf);
  put(root, 3, pte(0x1000, bit::v));  // table outside RAM
  EXPECT_EQ(go(va(3, 4, 5)).fault, FaultKind::access);
}

TEST_F(SoftwareMmu, SuperpagesMustBeAligned) {
  put(root, 3, pte(middle, bit::v));
  for (unsigned b = 12; b < 21; ++b) {
    put(middle, 4, pte(0x87600000 + (std::uint64_t{1} << b), rw | bit::u));
    EXPECT_EQ(go(va(3, 4, 5)).fault, FaultKind::misaligned) << b;
  }
  for (unsigned b = 12; b < 30; ++b) {
    put(root, 3, pte(0xc0000000 + (std::uint64_t{1} << b), rw | bit::u));
    EXPECT_EQ(go(va(3, 4, 5)).fault, FaultKind::misaligned) << b;
  }
}

TEST_F(SoftwareMmu, PermissionMatrix) {
  // Every valid combination of R, W, X, U, each access kind, four contexts; the expectation is spelled out.
  for (unsigned rwx = 1; rwx < 8; ++rwx) {
    const bool r = (rwx & 1) != 0, w = (rwx & 2) != 0, x = (rwx & 4) != 0;
    if (w && !r) continue;
    for (const bool u : {false, true}) {
      chain(pte(0x87654000,
                bit::v | (r ? bit::r : 0) | (w ? bit::w : 0) | (x ? bit::x : 0) | (u ? bit::u : 0) | bit::a | bit::d));
      const std::uint64_t at = va(3, 4, 5);
      EXPECT_EQ(go(at, AccessKind::load).ok(), u && r);
      EXPECT_EQ(go(at, AccessKind::store).ok(), u && w);
      EXPECT_EQ(go(at, AccessKind::fetch).ok(), u && x);
      EXPECT_EQ(go(at, AccessKind::load, mxr).ok(), u && (r || x));
      EXPECT_EQ(go(at, AccessKind::store, mxr).ok(), u && w);
      EXPECT_EQ(go(at, AccessKind::load, supervisor).ok(), !u && r);
      EXPECT_EQ(go(at, AccessKind::store, supervisor).ok(), !u && w);
      EXPECT_EQ(go(at, AccessKind::fetch, supervisor).ok(), !u && x);
      EXPECT_EQ(go(at, AccessKind::load, sum).ok(), r);
      EXPECT_EQ(go(at, AccessKind::store, sum).ok(), w);
      EXPECT_EQ(go(at, AccessKind::fetch, sum).ok(), !u && x);
    }
  }
}

TEST_F(SoftwareMmu, SvadeFaultsOnClearAccessedAndDirty) {
  chain(pte(0x87654000, bit::v | bit::r | bit::w | bit::u));
  EXPECT_EQ(go(va(3, 4, 5)).fault, FaultKind::accessed_dirty);
  chain(pte(0x87654000, bit::v | bit::r | bit::w | bit::u | bit::a));
  EXPECT_TRUE(go(va(3, 4, 5)).ok());
  EXPECT_EQ(go(va(3, 4, 5), AccessKind::store).fault, FaultKind::accessed_dirty);
}

}  // namespace
