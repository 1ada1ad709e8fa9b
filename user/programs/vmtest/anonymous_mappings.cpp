// SPDX-License-Identifier: MIT
// mmap of memory without a file (MAP_ANONYMOUS): private and shared, large and small.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::is_killed;
using testing::look;
using testing::status_of;
using testing::touch;

constexpr MapFlags private_memory = MapFlags::private_copy | MapFlags::anonymous;
constexpr MapFlags shared_memory = MapFlags::shared | MapFlags::anonymous;

char* map(int bytes, Protection protection, MapFlags flags) {
  void* p = mmap(static_cast<std::size_t>(bytes), protection, flags, -1);
  EXPECT(p != mmap_failed);
  return static_cast<char*>(p);
}

void zero_and_private() {
  char* p = map(32 * page, read_write, private_memory);
  EXPECT(all_zero(p, 32 * page));
  mark_pages(p, 32, 1);
  EXPECT_EQ(status_of([=] {
              EXPECT(has_marks(p, 32, 1));
              mark_pages(p, 32, 2);
            }),
            0);
  EXPECT(has_marks(p, 32, 1));
  EXPECT_EQ(munmap(p, 32 * page), 0);
  EXPECT(is_killed([=] { look(p); }));
}

// What one writes the other sees, also on pages that neither had touched before the fork.
void shared_between_processes() {
  char* p = map(8 * page, read_write, shared_memory);
  touch(p, 'a');
  EXPECT_EQ(status_of([=] {
              EXPECT_EQ(look(p), 'a');
              touch(p, 'b');
              touch(p + 5 * page, 'c');
            }),
            0);
  EXPECT_EQ(look(p), 'b');
  EXPECT_EQ(look(p + 5 * page), 'c');
  EXPECT_EQ(munmap(p, 8 * page), 0);
}

void rights_are_kept() {
  char* p = map(page, Protection::read, private_memory);
  EXPECT_EQ(look(p), 0);
  EXPECT(is_killed([=] { touch(p, 1); }));
  EXPECT_EQ(munmap(p, page), 0);
  p = map(page, Protection::none, private_memory);
  EXPECT(is_killed([=] { look(p); }));
  EXPECT(is_killed([=] { touch(p, 1); }));
  const int fd = open("/README", Mode::read_only);
  EXPECT_EQ(read(fd, p, 10), -1);
  close(fd);
  EXPECT_EQ(munmap(p, page), 0);
  p = map(page, read_write, private_memory);
  EXPECT(is_killed([=] {
    *reinterpret_cast<volatile unsigned*>(p) = 0x00008067;  // ret
    std::uint64_t code = as_word(p);
    asm volatile("" : "+r"(code));
    reinterpret_cast<void (*)()>(code)();
  }));
  EXPECT_EQ(munmap(p, page), 0);
}

void large_and_untouched() {
  const std::uint64_t frames = freeframes();
  char* p = map(1 << 30, read_write, private_memory);
  touch(p + (1 << 29), 1);
  EXPECT(frames - freeframes() < 600);
  EXPECT_EQ(munmap(p, 1 << 30), 0);
  EXPECT(is_killed([=] { look(p + (1 << 29)); }));
}

// An aligned range that is filled, then loses a piece of its middle or its ends.
void large_and_filled() {
  char* p = map(3 * megapage, read_write, private_memory);
  mark_pages(p, 3 * 512, 3);
  EXPECT_EQ(status_of([=] {
              mark_pages(p + megapage, 10, 4);
              EXPECT(has_marks(p, 512, 3));
            }),
            0);
  EXPECT(has_marks(p, 3 * 512, 3));
  EXPECT_EQ(munmap(p, 100 * page), 0);
  EXPECT_EQ(munmap(p + 3 * megapage - 100 * page, 100 * page), 0);
  for (int i = 100; i < 3 * 512 - 100; ++i) EXPECT(has_mark(p, i, 3));
  EXPECT(is_killed([=] { look(p + 99 * page); }));
  EXPECT(is_killed([=] { look(p + 3 * megapage - 100 * page); }));
  EXPECT_EQ(munmap(p + 100 * page, 3 * megapage - 200 * page), 0);
}

void memory_comes_back_zero() {
  for (int round = 0; round < 5; ++round) {
    char* p = map(300 * page, read_write, private_memory);
    EXPECT(all_zero(p, 300 * page));
    memset(p, 0x77, 300 * page);
    EXPECT_EQ(munmap(p, 300 * page), 0);
  }
}

// Where the kernel maps: outside the heap, clear of everything tests probe.
void placement() {
  char* p = map(page, read_write, private_memory);
  char* q = map(5 * page, read_write, private_memory);
  for (const char* at : {p, q}) {
    EXPECT(as_word(at) > as_word(sbrk(0)));
    EXPECT(as_word(at) < 0x80000000 || as_word(at) >= 0x100000000);
    EXPECT(as_word(at) + (at == p ? 1 : 5) * page <= abi::usyscall);
  }
  EXPECT(as_word(p) + page <= as_word(q) || as_word(q) + 5 * page <= as_word(p));
  // A hint is a hint: nothing is ever mapped over what is there.
  void* r = mmap(p, page, 3, 0x22, -1, 0);
  if (r != mmap_failed) {
    EXPECT(r != p);
    EXPECT_EQ(munmap(r, page), 0);
  }
  r = mmap(reinterpret_cast<void*>(abi::trapframe), page, 3, 0x22, -1, 0);
  if (r != mmap_failed) {
    EXPECT(as_word(r) < abi::usyscall);
    EXPECT_EQ(munmap(r, page), 0);
  }
  EXPECT_EQ(munmap(p, page) | munmap(q, 5 * page), 0);
}

void shared_memory_of_the_dead() {
  char* p = map(4 * page, read_write, shared_memory);
  testing::run_children(4, [&](int who) { mark_page(p, who, 6); });
  EXPECT(has_marks(p, 4, 6));
  EXPECT(is_killed([=] {
    touch(p + 100, 'k');
    kill(getpid());
    for (;;) getpid();
  }));
  EXPECT_EQ(look(p + 100), 'k');
  // Not unmapped: exit does it.
}

}  // namespace

std::span<const testing::Test> anonymous_mapping_tests() {
  static constexpr testing::Test tests[] = {
      {"zero_and_private", zero_and_private},
      {"shared_between_processes", shared_between_processes},
      {"rights_are_kept", rights_are_kept},
      {"large_and_untouched", large_and_untouched},
      {"large_and_filled", large_and_filled},
      {"memory_comes_back_zero", memory_comes_back_zero},
      {"placement", placement},
      {"shared_memory_of_the_dead", shared_memory_of_the_dead},
  };
  return tests;
}

}  // namespace vmtest
