// SPDX-License-Identifier: MIT
// Strategy: random inserts, erases and cuts beside a std::map of the same regions; lookups of edges and random
// addresses must agree after each. The list's limits and what it must never be asked for are death tests.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "mm/region.hpp"

namespace {

using namespace mm;

constexpr u64 page = 4096;

Region make(u64 begin, u64 end) {
  Region region;
  region.begin = VirtAddr(begin);
  region.end = VirtAddr(end);
  region.first_page = begin / page;
  return region;
}

TEST(RegionList, AgreesWithAMap) {
  std::mt19937 random(11);
  RegionList list;
  std::map<u64, u64> model;  // begin to end
  for (int step = 0; step < 30000; ++step) {
    const u64 a = random() % 200 * page, b = a + (1 + random() % 6) * page;
    switch (random() % 3) {
      case 0: {
        bool free = list.has_room(1);
        for (const auto& [begin, end] : model) free = free && (end <= a || b <= begin);
        if (!free) break;
        Region region = make(a, b);
        if (random() % 2 == 0) region.note_populated(VirtAddr(a + page * (random() % 2)), VirtAddr(b));
        list.insert(region);
        model[a] = b;
        break;
      }
      case 1:
        if (list.size() != 0) {
          const u32 index = static_cast<u32>(random() % list.size());
          model.erase(list[index].begin.value());
          list.erase(index);
        }
        break;
      default:
        if (list.size() != 0 && list.has_room(1)) {
          const u32 index = static_cast<u32>(random() % list.size());
          const Region before = list[index];
          if (before.bytes() < 2 * page) break;
          const u64 at = before.begin.value() + page * (1 + random() % (before.bytes() / page - 1));
          const u32 upper = list.cut(index, VirtAddr(at));
          model[before.begin.value()] = at;
          model[at] = before.end.value();
          ASSERT_EQ(list[upper].begin.value(), at);
          ASSERT_EQ(list[upper].first_page, at / page) << "the file's page moves with the address";
          // The populated hull is divided, nothing of it lost, nothing added.
          for (u64 va = before.begin.value(); va < before.end.value(); va += page) {
            const Region& part = va < at ? list[index] : list[upper];
            const bool was = before.populated_begin.value() <= va && va < before.populated_end.value();
            const bool is = part.populated_begin.value() <= va && va < part.populated_end.value();
            ASSERT_EQ(was, is);
          }
        }
    }
    ASSERT_EQ(list.size(), model.size());
    u32 i = 0;
    for (const auto& [begin, end] : model) {
      ASSERT_EQ(list[i].begin.value(), begin);
      ASSERT_EQ(list[i].end.value(), end);
      ++i;
    }
    for (const u64 va : {a, b, a + 5, b - 1, random() % 210 * page}) {
      auto above = model.begin();
      u32 index = 0;
      while (above != model.end() && above->second <= va) ++above, ++index;
      ASSERT_EQ(list.first_above(VirtAddr(va)), index);
      Region* found = list.find(VirtAddr(va));
      ASSERT_EQ(found != nullptr, above != model.end() && above->first <= va);
      if (found != nullptr) ASSERT_EQ(found->begin.value(), above->first);
      ASSERT_EQ(list.any_in(VirtAddr(a), VirtAddr(b)), [&] {
        for (const auto& [begin, end] : model) {
          if (begin < b && a < end) return true;
        }
        return false;
      }());
    }
  }
}

TEST(RegionListDeathTest, ItsLimitsAreBugsAndNotDamage) {
  RegionList list;
  for (u32 i = 0; i < RegionList::capacity; ++i) list.insert(make(2 * i * page, (2 * i + 1) * page));
  EXPECT_FALSE(list.has_room(1));
  EXPECT_DEATH(list.insert(make(1000 * page, 1001 * page)), "without room");
  RegionList other;
  other.insert(make(4 * page, 8 * page));
  EXPECT_DEATH(other.insert(make(7 * page, 9 * page)), "overlap");
  EXPECT_DEATH(other.insert(make(0, 5 * page)), "overlap");
}

}  // namespace
