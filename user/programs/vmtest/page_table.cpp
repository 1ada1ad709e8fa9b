// SPDX-License-Identifier: MIT
// The labs' calls that look at the page table: pgpte and pgaccess.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::look;
using testing::status_of;
using testing::touch;

std::uint64_t pte_of(std::uint64_t address) { return pgpte(reinterpret_cast<char*>(address)); }

void entries_say_what_is_allowed() {
  const std::uint64_t text = pte_of(as_word(reinterpret_cast<void*>(&entries_say_what_is_allowed)));
  EXPECT_EQ(text & 0x1f, valid | readable | executable | user);
  static int data = 1;
  EXPECT_EQ(pte_of(as_word(&data)) & 0x1f, valid | readable | writable | user);
  int local = 1;
  EXPECT_EQ(pte_of(as_word(&local)) & 0x1f, valid | readable | writable | user);
  char* heap = grow(page);
  EXPECT_EQ(pgpte(heap) & 0x1f, valid | readable | writable | user);
  EXPECT_EQ(pte_of(abi::usyscall) & 0x1f, valid | readable | user);
  EXPECT_EQ(pte_of(abi::trapframe) & user, 0);
  EXPECT_EQ(pte_of(abi::trampoline) & (user | writable), 0);
  EXPECT_EQ(text >> 32, 0);
}

void entries_of_nothing_are_zero() {
  for (const std::uint64_t address :
       {as_word(sbrk(0)) + 2 * abi::page_size, std::uint64_t{0x80000000}, std::uint64_t{0x3fffffc000}, abi::user_top,
        std::uint64_t{1} << 39, std::uint64_t{1} << 63, ~std::uint64_t{0}, std::uint64_t{0xffffffc080000000},
        std::uint64_t{0xffffffc010000000}})
    EXPECT_EQ(pte_of(address), 0);
}

// The entry is the logical one: fork takes no right away that a store would not find.
void shared_pages_stay_writable() {
  char* heap = align_break(page);
  grow(2 * page);
  touch(heap, 1);
  EXPECT_EQ(status_of([=] { EXPECT_EQ(pgpte(heap) & 0x1f, valid | readable | writable | user); }), 0);
  EXPECT_EQ(pgpte(heap) & 0x1f, valid | readable | writable | user);
}

// pgtbltest's pgaccess_test
void accesses_are_seen() {
  static char* pages;
  pages = static_cast<char*>(malloc(32 * page));
  EXPECT(pages != nullptr);
  unsigned mask = 0;
  EXPECT_EQ(pgaccess(pages, 32, &mask), 0);
  touch(pages + page, static_cast<char>(look(pages + page) + 1));
  touch(pages + 2 * page, static_cast<char>(look(pages + 2 * page) + 1));
  touch(pages + 30 * page, static_cast<char>(look(pages + 30 * page) + 1));
  EXPECT_EQ(pgaccess(pages, 32, &mask), 0);
  EXPECT_EQ(mask, 1u << 1 | 1u << 2 | 1u << 30);
  // Asking clears.
  EXPECT_EQ(pgaccess(pages, 32, &mask), 0);
  EXPECT_EQ(mask, 0);
  look(pages + 5 * page);
  EXPECT_EQ(pgaccess(pages, 32, &mask), 0);
  EXPECT_EQ(mask, 1u << 5);
  free(pages);
}

void bad_pgaccess_arguments() {
  unsigned mask = 0;
  char* heap = grow(page);
  EXPECT_EQ(pgaccess(heap, -1, &mask), -1);
  EXPECT_EQ(pgaccess(heap, 1000000, &mask), -1);
  EXPECT_EQ(pgaccess(heap, 1, reinterpret_cast<void*>(0x3fffffe000)), -1);
  EXPECT_EQ(pgaccess(heap, 1, nullptr), -1);
  pgaccess(reinterpret_cast<void*>(abi::user_top - page), 32, &mask);
  pgaccess(reinterpret_cast<void*>(~std::uint64_t{0}), 32, &mask);
  pgaccess(reinterpret_cast<void*>(std::uint64_t{1} << 63), 32, &mask);
}

// Untouched lazy pages were not accessed, and looking does not make them.
void lazy_pages_are_not_accessed() {
  char* heap = align_break(page);
  grow_lazily(32 * page);
  const std::uint64_t frames = freeframes();
  unsigned mask = 0;
  EXPECT_EQ(pgaccess(heap, 32, &mask), 0);
  EXPECT_EQ(mask, 0);
  EXPECT_EQ(freeframes(), frames);
  look(heap + 3 * page);
  EXPECT_EQ(pgaccess(heap, 32, &mask), 0);
  EXPECT_EQ(mask, 1u << 3);
}

}  // namespace

std::span<const testing::Test> page_table_tests() {
  static constexpr testing::Test tests[] = {
      {"entries_say_what_is_allowed", entries_say_what_is_allowed},
      {"entries_of_nothing_are_zero", entries_of_nothing_are_zero},
      {"shared_pages_stay_writable", shared_pages_stay_writable},
      {"accesses_are_seen", accesses_are_seen},
      {"bad_pgaccess_arguments", bad_pgaccess_arguments},
      {"lazy_pages_are_not_accessed", lazy_pages_are_not_accessed},
  };
  return tests;
}

}  // namespace vmtest
