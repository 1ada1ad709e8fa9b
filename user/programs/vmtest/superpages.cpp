// SPDX-License-Identifier: MIT
// 2 MiB leaves: made by eager sbrk, shared by fork, taken apart by everything that touches only a part of one.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using abi::VmEvent;
using testing::is_killed;
using testing::look;
using testing::status_of;
using testing::touch;

constexpr std::uint64_t rights = valid | readable | writable | user;

// The whole 2 MiB from `begin` on is one writable leaf.
void expect_megapage(char* begin) {
  const std::uint64_t pte = pgpte(begin);
  EXPECT(pte != 0 && (pte & rights) == rights);
  for (int i = 0; i < 512; ++i) EXPECT(pgpte(begin + i * page) == pte);
}

bool is_megapage(char* begin) { return pgpte(begin) != 0 && pgpte(begin) == pgpte(begin + page); }

// A megapage at the end of the heap, the break right behind it.
char* megapage_at_the_end() {
  align_break(abi::megapage_size);
  char* begin = grow(megapage);
  EXPECT(is_megapage(begin));
  return begin;
}

// superpg_test of 2024: without a touch, and in a child that has not written.
void eager_growth_uses_them() {
  const abi::VmStat before = counters();
  char* p = grow(8 * mebibyte);
  char* s = p + (abi::megapage_size - as_word(p) % abi::megapage_size) % abi::megapage_size;
  expect_megapage(s);
  expect_megapage(s + megapage);
  for (char* q = p; q < s; q += page) EXPECT(pgpte(q) != 0);
  EXPECT(gained(before, VmEvent::superpage_mapped) >= 3);
  EXPECT_EQ(status_of([=] { expect_megapage(s); }), 0);
}

// superpg_fork of 2025
void fork_shares_them() {
  constexpr int size = 16 * mebibyte;
  char* p = grow(size);
  char* s = p + (abi::megapage_size - as_word(p) % abi::megapage_size) % abi::megapage_size;
  const auto check_and_mark = [=](int seed) {
    expect_megapage(s);
    mark_pages(s, 512, seed);
    EXPECT(has_marks(s, 512, seed));
  };
  check_and_mark(1);
  EXPECT_EQ(status_of([=] {
              expect_megapage(s);
              EXPECT(has_marks(s, 512, 1));
              mark_pages(s, 512, 2);
              EXPECT(has_marks(s, 512, 2));
            }),
            0);
  EXPECT(has_marks(s, 512, 1));
  char* end = sbrk(-size);
  EXPECT(is_killed([=] { touch(end - size + megapage, 1); }));
}

// superpg_free of 2025
void partial_free_splits() {
  megapage_at_the_end();
  char* end = sbrk(0);
  char* last = end - page;
  char* before_last = last - page;
  EXPECT(pgpte(last) == pgpte(before_last));
  touch(last, 9);
  touch(before_last, 8);
  const abi::VmStat before = counters();
  sbrk(-page);
  EXPECT_EQ(gained(before, VmEvent::superpage_split), 1);
  EXPECT_EQ(look(before_last), 8);
  EXPECT(is_killed([=] { look(last); }));
  EXPECT_EQ(pgpte(last), 0);
  while (as_word(sbrk(0)) > as_word(end) - abi::megapage_size) {
    sbrk(-page);
    EXPECT_EQ(pgpte(sbrk(0)), 0);
  }
}

// After a split every page is the same memory as before, and all of it comes back.
void split_keeps_contents() {
  char* p = megapage_at_the_end();
  mark_pages(p, 512, 3);
  sbrk(-100 * page);
  EXPECT(has_marks(p, 412, 3));
  grow(100 * page);
  EXPECT(all_zero(p + 412 * page, 100 * page));
  EXPECT(has_marks(p, 412, 3));
  sbrk(-megapage);
}

// A child that writes one word of a shared megapage leaves the parent's alone, and the other way round.
void writing_a_part_of_a_shared_one() {
  char* p = megapage_at_the_end();
  mark_pages(p, 512, 4);
  Gate child_wrote, parent_wrote;
  testing::start_children(1, [&](int) {
    mark_page(p, 100, 5);
    child_wrote.open();
    parent_wrote.pass();
    EXPECT(has_mark(p, 100, 5));
    EXPECT(has_mark(p, 200, 4) && has_mark(p, 0, 4) && has_mark(p, 511, 4));
  });
  child_wrote.pass();
  EXPECT(has_marks(p, 512, 4));
  mark_page(p, 200, 6);
  parent_wrote.open();
  testing::expect_children(1);
  EXPECT(has_mark(p, 200, 6) && has_mark(p, 100, 4));
}

// Once the sharers are gone the owner writes in place, without a copy.
void sole_owner_takes_over() {
  char* p = megapage_at_the_end();
  mark_pages(p, 512, 4);
  EXPECT_EQ(status_of([] {}), 0);
  const abi::VmStat before = counters();
  mark_pages(p, 512, 5);
  EXPECT(gained(before, VmEvent::fault_cow_copy) <= 2);  // the stack may be copied, the megapage must not
  EXPECT(has_marks(p, 512, 5));
}

// Three processes hold one; each gives back another part.
void three_give_back_parts() {
  char* p = megapage_at_the_end();
  mark_pages(p, 512, 7);
  testing::start_children(2, [&](int who) {
    sbrk(-(100 + 100 * who) * page);
    EXPECT(has_marks(p, 412 - 100 * who, 7));
    mark_pages(p, 100, 8 + who);
    EXPECT(has_marks(p, 100, 8 + who));
  });
  sbrk(-50 * page);
  EXPECT(has_marks(p, 462, 7));
  testing::expect_children(2);
  EXPECT(has_marks(p, 462, 7));
}

// V17: with no frame left, a part can still be given back.
void partial_free_without_memory() {
  Hog hog;
  char* p = megapage_at_the_end();
  mark_pages(p, 512, 2);
  hog.take();
  EXPECT(sbrk(-page) != sbrk_failed);
  EXPECT(has_marks(p, 511, 2));
  EXPECT_EQ(pgpte(p + 511 * page), 0);
  hog.release();
  EXPECT(has_marks(p, 511, 2));
}

// The same while two other processes share it: their 512 pages stay whole.
void partial_free_of_a_shared_one_without_memory() {
  char* p = megapage_at_the_end();
  mark_pages(p, 512, 2);
  Gate ready, go;
  testing::start_children(1, [&](int) {
    ready.open();  // its stack is its own from here on
    go.pass();
    EXPECT(has_marks(p, 512, 2));
  });
  ready.pass();
  Hog hog;
  hog.take();
  EXPECT(sbrk(-page) != sbrk_failed);
  EXPECT(has_marks(p, 511, 2));
  go.open();
  testing::expect_children(1);
  hog.release();
  EXPECT(has_marks(p, 511, 2));
}

// V8: a store to a shared one with no frame left costs the writer its life, and nobody else anything.
void write_to_a_shared_one_without_memory() {
  char* p = megapage_at_the_end();
  mark_pages(p, 512, 2);
  Gate ready, go;
  testing::start_children(1, [&](int) {
    ready.open();
    go.pass();
    mark_pages(p, 512, 3);
  });
  ready.pass();
  Hog hog;
  hog.take();
  go.open();
  // What the dying child gives back is at once free again, so it is waited for here.
  testing::expect_children(1, testing::killed);
  EXPECT(has_marks(p, 512, 2));
  hog.release();
}

// A protected part, a store through the kernel, and an access after all: copies meet them as programs do.
void copies_cross_them() {
  char* p = megapage_at_the_end();
  const int fd = open("m", create_both);
  memset(p + 100 * page - 100, 'm', 200);
  EXPECT_EQ(write(fd, p + 100 * page - 100, 200), 200);
  close(fd);
  EXPECT_EQ(status_of([=] {
              const int in = open("m", Mode::read_only);
              EXPECT_EQ(read(in, p + 300 * page - 100, 200), 200);
              EXPECT_EQ(look(p + 300 * page + 99), 'm');
            }),
            0);
  EXPECT_EQ(look(p + 300 * page + 99), 0);
  EXPECT_EQ(unlink("m"), 0);
}

// Up and down over the boundary, many times: tables and deposits are neither lost nor doubled.
void growing_and_shrinking() {
  char* p = align_break(abi::megapage_size);
  grow(megapage);
  sbrk(-megapage);
  const std::uint64_t frames = freeframes();
  for (int i = 0; i < 20; ++i) {
    grow(3 * megapage);
    touch(p + megapage, 1);
    sbrk(-(3 * megapage - 5 * page));
    grow(megapage);
    sbrk(-megapage - 5 * page);
    EXPECT_EQ(as_word(sbrk(0)), as_word(p));
  }
  EXPECT(freeframes() + 4 >= frames);
}

}  // namespace

std::span<const testing::Test> superpage_tests() {
  static constexpr testing::Test tests[] = {
      {"eager_growth_uses_them", eager_growth_uses_them},
      {"fork_shares_them", fork_shares_them},
      {"partial_free_splits", partial_free_splits},
      {"split_keeps_contents", split_keeps_contents},
      {"writing_a_part_of_a_shared_one", writing_a_part_of_a_shared_one},
      {"sole_owner_takes_over", sole_owner_takes_over},
      {"three_give_back_parts", three_give_back_parts},
      {"partial_free_without_memory", partial_free_without_memory},
      {"partial_free_of_a_shared_one_without_memory", partial_free_of_a_shared_one_without_memory},
      {"write_to_a_shared_one_without_memory", write_to_a_shared_one_without_memory},
      {"copies_cross_them", copies_cross_them},
      {"growing_and_shrinking", growing_and_shrinking},
  };
  return tests;
}

}  // namespace vmtest
