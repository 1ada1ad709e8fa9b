// SPDX-License-Identifier: MIT
// Strategy: random sequences of map, unmap, protect, split, promote, copy-on-write marking and table freeing over a few
// windows of the address space (around 0, a gigabyte border, both ends of the halves), in tables that hold leaves of
// all sizes, with the n-th frame failing now and then. A std::map by page is the reference; after each operation random
// pages, edges first, are looked up through the software MMU and the TLB model, and now and then all of them.
// BIFOLIUM_SEED and BIFOLIUM_OPS as in mm/world_test.cpp.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "sv39/cursor_kit.hpp"

namespace {

using namespace sv39;
using model::AccessKind;

struct Page {
  u64 frame;
  Permissions permissions;
  bool copy_on_write;
};

u64 number_from(const char* variable, u64 otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 0) : otherwise;
}

class RandomTree : CursorKit {
 public:
  explicit RandomTree(u64 seed) : CursorKit(1 << 20), random_(seed) {}

  void step() {
    for (int i = 0; i < 4; ++i) model_.speculate(0, any_page() * page_size);
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2:
      case 3: map(); break;
      case 4:
      case 5: unmap(); break;
      case 6:
      case 7: protect(); break;
      case 8: split(); break;
      case 9: promote(); break;
      case 10: share(); break;
      default: look(); break;
    }
    for (int i = 0; i < 8; ++i) compare(any_page());
    if (++steps_ % 1024 == 0) {
      compare_all();
      model_.check(0);
    }
    expect_no_complaints();
  }

  void finish() {
    tear_down_space();
    ASSERT_EQ(data_.in_use(), 0u) << "every frame that was mapped has been released";
  }

 private:
  static constexpr u64 window_pages = 3 * 512;
  static constexpr u64 windows[] = {0, (u64{1} << 18) - 512, (u64{1} << 26) - window_pages, (upper_half_begin >> 12),
                                    (u64{1} << 52) - window_pages};

  u64 any_page() {
    const u64 window = windows[random_() % std::size(windows)];
    const u64 offset = random_() % 4 == 0 ? (random_() % 4) * 512 + random_() % 3 : random_() % window_pages;
    return window + (offset < window_pages ? offset : window_pages - 1);
  }
  /// A run of pages inside one window, often with edges on table borders.
  VirtRange any_range() {
    const u64 first = any_page();
    u64 window = 0;
    for (const u64 w : windows) {
      if (first >= w && first - w < window_pages) window = w;
    }
    const u64 room = window + window_pages - first;
    u64 count = 1 + random_() % 20;
    if (random_() % 3 == 0) count = 512 - first % 512 + (random_() % 3) * 512;
    if (count > room) count = room;
    return VirtRange::pages(Vpn(first), count);
  }
  Permissions any_permissions() {
    Permissions p = Permissions::read_write();
    switch (random_() % 5) {
      case 0: p = Permissions::read_only(); break;
      case 1: p = Permissions::read_execute(); break;
      case 2: p = Permissions::read_write_execute(); break;
      default: break;
    }
    return random_() % 8 == 0 ? p : p.user();
  }

  void map() {
    const VirtRange range = any_range();
    const u64 first = range.begin().floor().value();
    const bool aligned = random_() % 2 == 0;
    const u64 skew = aligned ? first % 512 : random_() % 512;
    // A run of frames whose alignment fits that of the pages, or does not.
    const Ppn run = data_.run(range.page_count() + skew, 512) + skew;
    for (u64 i = 0; i < skew; ++i) data_.release(Ppn(run.value() - skew + i), Level::base);
    const Permissions permissions = any_permissions();
    const Level largest = random_() % 2 == 0 ? Level::mega : Level::base;
    bool free = true;
    for (u64 i = 0; i < range.page_count(); ++i) free = free && !pages_.contains(first + i);
    if (random_() % 8 == 0) tables_.fail_at(static_cast<unsigned>(1 + random_() % 5));
    const std::size_t in_use = tables_.in_use();
    const auto result = cursor_.map(range, run, permissions, tables_, largest);
    tables_.fail_at(0);
    {
      Batch batch(tlb_, data_);
      batch.changed(range.begin(), range.page_count());
    }
    if (!result) {
      ASSERT_EQ(result.error().kind, free ? ErrorKind::out_of_memory : ErrorKind::already_mapped);
      ASSERT_EQ(tables_.in_use(), in_use);
      for (u64 i = 0; i < range.page_count(); ++i) data_.release(run + i, Level::base);
      return;
    }
    ASSERT_TRUE(free);
    for (u64 i = 0; i < range.page_count(); ++i) pages_.emplace(first + i, Page{run.value() + i, permissions, false});
  }

  void unmap() {
    const VirtRange range = any_range();
    tables_.fail_at(1);  // V17: never needs memory
    const u64 released = data_.released();
    {
      Batch batch(tlb_, data_);
      cursor_.unmap(range, tables_, batch);
    }
    ASSERT_TRUE(tables_.fail_pending());
    tables_.fail_at(0);
    const u64 first = range.begin().floor().value();
    u64 count = 0;
    for (u64 i = 0; i < range.page_count(); ++i) count += pages_.erase(first + i);
    ASSERT_EQ(data_.released() - released, count);
  }

  void protect() {
    const VirtRange range = any_range();
    const Permissions permissions = any_permissions();
    tables_.fail_at(1);
    {
      Batch batch(tlb_, data_);
      cursor_.protect(range, permissions, tables_, batch);
    }
    ASSERT_TRUE(tables_.fail_pending());
    tables_.fail_at(0);
    const u64 first = range.begin().floor().value();
    for (auto at = pages_.lower_bound(first); at != pages_.end() && at->first - first < range.page_count(); ++at) {
      at->second.copy_on_write = at->second.copy_on_write && permissions.allows(Access::write);
      at->second.permissions = permissions;
    }
  }

  void split() {
    Batch batch(tlb_, data_);
    cursor_.split(VirtAddr(any_page() << page_shift), tables_, batch);
  }

  void promote() {
    const u64 page = any_page();
    const u64 first = page / 512 * 512;
    // What the reference says about it; tables of mixed A bits do not occur here.
    bool possible = true;
    for (u64 i = 0; i < 512 && possible; ++i) {
      const auto at = pages_.find(first + i), zero = pages_.find(first);
      possible = at != pages_.end() && zero->second.frame % 512 == 0 && at->second.frame == zero->second.frame + i &&
                 at->second.permissions == zero->second.permissions &&
                 at->second.copy_on_write == zero->second.copy_on_write;
    }
    const bool is_base = cursor_.find(VirtAddr(page << page_shift)).level == Level::base;
    Batch batch(tlb_, data_);
    ASSERT_EQ(cursor_.promote(VirtAddr(page << page_shift), tables_, batch), possible && is_base);
  }

  void share() {
    const VirtRange range = any_range();
    Batch batch(tlb_, data_);
    cursor_.for_each_leaf(range, [&](const Slot& slot, VirtAddr begin) {
      cursor_.replace(slot, slot.pte.as_copy_on_write());
      batch.changed(begin);
      for (u64 i = 0; i < pages_of(slot.level); ++i) {
        Page& page = pages_.at(begin.floor().value() + i);
        page.copy_on_write = page.copy_on_write || page.permissions.allows(Access::write);
      }
    });
  }

  void look() {
    const VirtRange range = any_range();
    const u64 first = range.begin().floor().value();
    std::vector<u64> seen, expected;
    cursor_.for_each_leaf(range, [&](const Slot& slot, VirtAddr begin) {
      for (u64 i = 0; i < pages_of(slot.level); ++i) {
        const u64 page = begin.floor().value() + i;
        if (page >= first && page - first < range.page_count()) seen.push_back(page);
      }
    });
    for (auto at = pages_.lower_bound(first); at != pages_.end() && at->first - first < range.page_count(); ++at) {
      expected.push_back(at->first);
    }
    ASSERT_EQ(seen, expected);
    const auto next = cursor_.next(range);
    ASSERT_EQ(next.has_value(), !expected.empty());
    if (next)
      ASSERT_TRUE(next->begin.floor().value() <= expected.front() &&
                  expected.front() - next->begin.floor().value() < pages_of(next->level));
  }

  void compare(u64 page) {
    const u64 va = page << page_shift;
    const auto found = pages_.find(page);
    const auto context = [&](bool user) {
      return model::Context{user ? model::Privilege::user : model::Privilege::supervisor, false, false};
    };
    for (const auto& [access, kind] : {std::pair{Access::read, AccessKind::load},
                                       {Access::write, AccessKind::store},
                                       {Access::execute, AccessKind::fetch}}) {
      const bool user = found == pages_.end() || found->second.permissions.is_user();
      const model::Served served = model_.access(0, va + 8, kind, context(user));
      const bool allowed = found != pages_.end() && found->second.permissions.allows(access) &&
                           !(access == Access::write && found->second.copy_on_write);
      ASSERT_FALSE(served.spurious) << "a fence is missing";
      ASSERT_EQ(served.fault == model::FaultKind::none, allowed) << std::hex << va;
      if (allowed) ASSERT_EQ(served.physical, found->second.frame * page_size + 8);
    }
    ASSERT_EQ(cursor_.translate(VirtAddr(va + 5)).has_value(), found != pages_.end());
    if (found != pages_.end())
      ASSERT_EQ(cursor_.translate(VirtAddr(va + 5))->value(), found->second.frame * page_size + 5);
  }

  void compare_all() {
    for (const u64 window : windows) {
      for (u64 i = 0; i < window_pages; ++i) compare(window + i);
    }
  }

  std::mt19937_64 random_;
  std::map<u64, Page> pages_;
  u64 steps_ = 0;
};

TEST(CursorRandom, AgreesWithAMapByPage) {
  const u64 operations = number_from("BIFOLIUM_OPS", 300000) / 10;
  const u64 first_seed = number_from("BIFOLIUM_SEED", 20260101);
  u64 done = 0;
  for (u64 seed = first_seed; done < operations; ++seed) {
    SCOPED_TRACE("BIFOLIUM_SEED=" + std::to_string(seed));
    RandomTree tree(seed);
    for (int i = 0; i < 2000 && done < operations; ++i, ++done) {
      tree.step();
      if (HasFailure()) return;
    }
    tree.finish();
    if (HasFailure()) return;
  }
  std::printf("%llu operations from seed %llu\n", static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(first_seed));
}

}  // namespace
