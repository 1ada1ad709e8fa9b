// SPDX-License-Identifier: MIT
// The break: sbrk up and down, its edges, what it costs, and that memory comes and comes back clean.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::is_killed;
using testing::look;
using testing::status_of;
using testing::touch;

// sbrkbasic
void byte_by_byte() {
  char* at = sbrk(0);
  for (int i = 0; i < 5000; ++i) {
    char* p = sbrk(1);
    EXPECT_EQ(as_word(p), as_word(at));
    touch(p, 1);
    at = p + 1;
  }
  EXPECT_EQ(status_of([at] {
              EXPECT_EQ(as_word(sbrk(1)), as_word(at));
              EXPECT_EQ(as_word(sbrk(1)), as_word(at + 1));
            }),
            0);
}

// sbrkmuch: 100 MiB exactly, and what comes back when it goes.
void one_hundred_mebibytes() {
  char* old = sbrk(0);
  const std::uint64_t available = freeframes() * abi::page_size;
  std::uint64_t top = 100u * mebibyte;
  if (available < top + 2 * mebibyte) top = (available * 3 / 4) & ~std::uint64_t{abi::page_size - 1};
  const int amount = static_cast<int>(top - as_word(old));
  EXPECT_EQ(as_word(sbrk(amount)), as_word(old));
  touch(old + amount - 1, 99);
  char* end = sbrk(0);
  EXPECT_EQ(as_word(sbrk(-page)), as_word(end));
  EXPECT_EQ(as_word(sbrk(0)), as_word(end - page));
  EXPECT_EQ(as_word(sbrk(page)), as_word(end - page));
  EXPECT_EQ(look(end - 1), 0);
  end = sbrk(0);
  EXPECT_EQ(as_word(sbrk(-amount)), as_word(end));
  EXPECT_EQ(as_word(sbrk(0)), as_word(old));
}

void new_memory_is_zero() {
  char* begin = align_break(page);
  for (int round = 0; round < 4; ++round) {
    grow(64 * page);
    EXPECT(all_zero(begin, 64 * page));
    memset(begin, 0xa5, 64 * page);
    sbrk(-64 * page);
  }
}

// What one process leaves in its memory, no other may find (V37).
void memory_of_others_is_gone() {
  const int written = part_of_memory(2, 3, 24 * mebibyte);
  const int looked_at = part_of_memory(8, 9, 32 * mebibyte);
  EXPECT_EQ(status_of([=] {
              char* p = grow(written);
              memset(p, 0x5c, written);
            }),
            0);
  EXPECT_EQ(status_of([=] {
              char* p = grow(looked_at);
              EXPECT(all_zero(p, looked_at));
              sbrk(-looked_at);
              p = grow_lazily(looked_at / 4);
              EXPECT(all_zero(p, looked_at / 4));
            }),
            0);
}

// A7, lazy_copy: more than there is to give back changes nothing.
void shrinking_by_too_much() {
  char* old = sbrk(0);
  const int size = static_cast<int>(as_word(old));
  EXPECT_EQ(as_word(sbrk(-(size + 1))), as_word(old));
  EXPECT_EQ(as_word(sbrk(0)), as_word(old));
  for (const int bytes : {-2000000000, static_cast<int>(0x80000000)}) {
    char* result = sbrk(bytes);
    EXPECT(result == old || result == sbrk_failed);
    EXPECT_EQ(as_word(sbrk(0)), as_word(old));
  }
}

// sbrk8000
void negative_number_as_size() {
  sbrk(static_cast<int>(0x80000004));
  char* top = sbrk(0);
  touch(top - 1, static_cast<char>(look(top - 1) + 1));
}

// sbrkbugs: all memory given back, down to nothing, into the first page, inside one page.
void shrinking_to_nothing() {
  EXPECT_EQ(status_of([] {
              sbrk(-static_cast<int>(as_word(sbrk(0))));
              exit(0);  // the code is gone: the call itself is a fault
            }),
            testing::killed);
  status_of([] {
    sbrk(-(static_cast<int>(as_word(sbrk(0))) - 3500));
    exit(0);
  });
  status_of([] {
    sbrk((10 * page + 2048) - static_cast<int>(as_word(sbrk(0))));
    sbrk(-10);
    exit(0);
  });
}

void memory_given_back_is_gone() {
  char* p = align_break(page);
  grow(4 * page);
  memset(p, 1, 4 * page);
  sbrk(-2 * page);
  EXPECT_EQ(look(p + 2 * page - 1), 1);
  EXPECT(is_killed([p] { look(p + 2 * page); }));
  EXPECT(is_killed([p] { touch(p + 3 * page, 1); }));
  // The break inside a page keeps that page.
  sbrk(-page / 2);
  EXPECT_EQ(look(p + page), 1);
}

// 2025's sbrkfail: eager means memory or -1.
void too_much_fails() {
  const std::uint64_t frames = freeframes();
  char* old = sbrk(0);
  std::uint64_t taken = 0;  // a large machine has some gibibytes to give
  while (sbrk(1 << 30) != sbrk_failed) taken += 1 << 30;
  EXPECT(taken <= frames * page);
  EXPECT(sbrk(0x7fffffff) == sbrk_failed);
  EXPECT_EQ(as_word(sbrk(0)), as_word(old) + taken);
  shrink(taken);
  // Tables that the attempts made may stay; nothing else.
  EXPECT(freeframes() + 600 + taken / megapage >= frames);
  EXPECT(sbrk(page) == old);
}

// sbrkfail: ten want 100 MiB each; whoever fails leaks nothing and small requests go on.
void ten_want_too_much() {
  Gate ready, go;
  testing::start_children(10, [&](int) {
    sbrk(100 * mebibyte - static_cast<int>(as_word(sbrk(0))));
    ready.open();
    go.pass();
  });
  for (int i = 0; i < 10; ++i) ready.pass();
  EXPECT(sbrk(page) != sbrk_failed);
  for (int i = 0; i < 10; ++i) go.open();
  testing::expect_children(10);
}

// kalloctest: small requests take exactly everything, as often as one likes.
void every_page_can_be_had() {
  std::uint64_t counts[3];
  for (std::uint64_t& count : counts) {
    count = 0;
    while (sbrk(page) != sbrk_failed) ++count;
    EXPECT_EQ(freeframes(), 0);
    shrink(count * abi::page_size);
    EXPECT_EQ(freeframes(), count);
  }
  // The first round left the page tables behind, so the later ones are equal to the page.
  EXPECT_EQ(counts[1], counts[0]);
  EXPECT_EQ(counts[2], counts[0]);
}

// kalloctest 2025, test2: one large request costs what many small ones do.
void large_request_costs_the_same() {
  std::uint64_t count = 0;
  const auto count_free = [] {
    std::uint64_t pages = 0;
    while (sbrk(page) != sbrk_failed) ++pages;
    shrink(pages * abi::page_size);
    return pages;
  };
  count = count_free();
  EXPECT(count > 1000);
  const std::uint64_t bytes = (count - 128) * abi::page_size;
  if (bytes > 0x7fffffff) return;  // more than one request can name
  grow(static_cast<int>(bytes));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(count_free(), 128);
}

// xv6's mem: the heap to its end, and back.
void malloc_until_it_fails() {
  const int status = status_of([] {
    void* last = nullptr;
    while (void* block = malloc(10001)) {
      *static_cast<void**>(block) = last;
      last = block;
    }
    while (last != nullptr) {
      void* next = *static_cast<void**>(last);
      free(last);
      last = next;
    }
    void* block = malloc(1024 * 20);
    EXPECT(block != nullptr);
    free(block);
  });
  EXPECT(status == 0 || status == testing::killed);
}

int bss_words[10000];

void bss_is_zero() {
  for (const int& word : bss_words) EXPECT_EQ(*const_cast<const volatile int*>(&word), 0);
}

// The break and memory mappings share what is between them.
void break_meets_a_mapping() {
  char* old = sbrk(0);
  void* mapping = mmap(page, read_write, MapFlags::private_copy | MapFlags::anonymous, -1);
  EXPECT(mapping != mmap_failed);
  int grown = 0;
  while (grown < 300 && sbrklazy(1 << 30) != sbrk_failed) ++grown;
  EXPECT(grown < 256);
  EXPECT(as_word(sbrk(0)) <= as_word(mapping));
  for (int i = 0; i < grown; ++i) sbrk(-(1 << 30));
  EXPECT_EQ(as_word(sbrk(0)), as_word(old));
  EXPECT_EQ(munmap(mapping, page), 0);
}

}  // namespace

std::span<const testing::Test> break_tests() {
  static constexpr testing::Test tests[] = {
      {"byte_by_byte", byte_by_byte},
      {"one_hundred_mebibytes", one_hundred_mebibytes},
      {"new_memory_is_zero", new_memory_is_zero},
      {"memory_of_others_is_gone", memory_of_others_is_gone},
      {"shrinking_by_too_much", shrinking_by_too_much},
      {"negative_number_as_size", negative_number_as_size},
      {"shrinking_to_nothing", shrinking_to_nothing},
      {"memory_given_back_is_gone", memory_given_back_is_gone},
      {"too_much_fails", too_much_fails},
      {"ten_want_too_much", ten_want_too_much},
      {"every_page_can_be_had", every_page_can_be_had},
      {"large_request_costs_the_same", large_request_costs_the_same},
      {"malloc_until_it_fails", malloc_until_it_fails},
      {"bss_is_zero", bss_is_zero},
      {"break_meets_a_mapping", break_meets_a_mapping},
  };
  return tests;
}

}  // namespace vmtest
