// SPDX-License-Identifier: MIT
// Copy-on-write: after fork each process has its own memory, whoever writes first, in whatever order.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::fork_or_fail;
using testing::look;
using testing::status_of;
using testing::touch;

void both_sides_are_private() {
  char* p = grow(64 * page);
  mark_pages(p, 64, 1);
  Gate parent_wrote;
  testing::start_children(1, [&](int) {
    parent_wrote.pass();
    EXPECT(has_marks(p, 64, 1));
    mark_pages(p, 64, 2);
    EXPECT(has_marks(p, 64, 2));
  });
  mark_pages(p, 64, 3);
  parent_wrote.open();
  testing::expect_children(1);
  EXPECT(has_marks(p, 64, 3));
}

// V9: what the child sees is the moment of the fork, however fast the parent goes on writing.
void snapshot_is_one_moment() {
  char* p = grow(64 * page);
  for (int round = 1; round <= 40; ++round) {
    mark_pages(p, 64, round);
    const int pid = fork_or_fail();
    if (pid == 0) {
      EXPECT(has_marks(p, 64, round));
      exit(0);
    }
    mark_pages(p, 64, round + 1000);
    testing::expect_children(1);
  }
}

// V6: a chain of eight; each generation writes before or after its child.
void chain_of_forks() {
  char* p = grow(8 * page);
  mark_pages(p, 8, 0);
  int generation = 0;
  while (generation < 8) {
    const int pid = fork_or_fail();
    if (pid != 0) {
      if (generation % 2 == 0) touch(p + generation * page + 4000, 1);
      int status = 0;
      EXPECT_EQ(wait(&status), pid);
      EXPECT_EQ(status, 0);
      if (generation % 2 != 0) touch(p + generation * page + 4000, 1);
      break;
    }
    ++generation;
    // What the ancestors write now is theirs; what they wrote before the fork is here.
    EXPECT(has_marks(p, generation - 1, 50) && has_mark(p, generation - 1, 0));
    mark_pages(p, generation, 50);
  }
  if (generation > 0) {
    EXPECT(has_marks(p, generation, 50));
    exit(0);
  }
  EXPECT(has_marks(p, 8, 0));
}

// V5, cowtest's file: the kernel's own stores break sharing too.
void calls_write_into_shared_pages() {
  static char buffer[2 * page];
  for (int who = 0; who < 4; ++who) {
    memset(buffer, 'p', sizeof(buffer));
    int fds[2];
    EXPECT_EQ(pipe(fds), 0);
    testing::start_children(1, [&](int) {
      char* target = buffer + page - 2;
      EXPECT_EQ(read(fds[0], target, 4), 4);
      EXPECT(memcmp(target, "abcd", 4) == 0);
      EXPECT_EQ(target[-1], 'p');
      const int fd = open("/README", Mode::read_only);
      EXPECT_EQ(read(fd, buffer, 32), 32);
      close(fd);
      abi::Stat* status = reinterpret_cast<abi::Stat*>(buffer + page + 64);
      EXPECT_EQ(stat("/README", status), 0);
    });
    EXPECT_EQ(write(fds[1], "abcd", 4), 4);
    testing::expect_children(1);
    for (const char c : buffer) EXPECT_EQ(c, 'p');
    close(fds[0]), close(fds[1]);
  }
}

// wait() and pipe() store into a page that the child still shares.
void wait_stores_into_a_shared_page() {
  static int words[4];
  words[0] = 11;
  Gate checked, go;
  testing::start_children(1, [&](int) {
    go.pass();
    EXPECT_EQ(words[0], 11);
    checked.open();
  });
  const int pid = fork_or_fail();
  if (pid == 0) exit(6);
  // Either child may come first; the shared word takes the status.
  EXPECT_EQ(wait(&words[0]), pid);
  EXPECT_EQ(words[0], 6);
  go.open();
  checked.pass();
  testing::expect_children(1);
}

// cowtest's simple: two thirds of all memory can be forked.
void two_thirds_of_memory() {
  const int bytes = part_of_memory(2, 3);
  for (int round = 0; round < 2; ++round) {
    char* p = grow(bytes);
    for (int i = 0; i < bytes; i += page) *reinterpret_cast<volatile int*>(p + i) = getpid();
    EXPECT_EQ(status_of([] {}), 0);
    EXPECT(sbrk(-bytes) != sbrk_failed);
  }
}

// cowtest's three
void three_generations() {
  const int bytes = part_of_memory(1, 4);
  char* p = grow(bytes);
  testing::start_children(1, [&](int) {
    testing::start_children(1, [&](int) {
      for (int i = 0; i < bytes / 5 * 4; i += page) *reinterpret_cast<volatile int*>(p + (i & ~7)) = getpid();
      for (int i = 0; i < bytes / 5 * 4; i += page) EXPECT_EQ(*reinterpret_cast<volatile int*>(p + (i & ~7)), getpid());
    });
    for (int i = 0; i < bytes / 2; i += page) *reinterpret_cast<volatile int*>(p + i) = 9999;
    testing::expect_children(1);
  });
  for (int i = 0; i < bytes; i += page) *reinterpret_cast<volatile int*>(p + i) = getpid();
  testing::expect_children(1);
  for (int i = 0; i < bytes; i += page) EXPECT_EQ(*reinterpret_cast<volatile int*>(p + i), getpid());
  EXPECT(sbrk(-bytes) != sbrk_failed);
}

// cowtest's forkfork, V7: counts are taken and dropped on several harts at once.
void forks_of_forks() {
  constexpr int bytes = mebibyte;
  char* p = grow(bytes);
  memset(p, 27, bytes);
  for (int round = 0; round < 15; ++round) {
    testing::start_children(3, [&](int) {
      fork();
      fork();
      memset(p, getpid(), bytes / 4);
      while (wait(nullptr) > 0) {
      }
    });
    testing::expect_children(3);
  }
  for (int i = 0; i < bytes; i += 64) EXPECT_EQ(look(p + i), 27);
}

// V7: the same few pages broken again and again by four processes.
void four_break_the_same_pages() {
  char* p = grow(16 * page);
  for (int round = 0; round < 15; ++round) {
    mark_pages(p, 16, round);
    testing::start_children(4, [&](int who) {
      for (int i = 0; i < 5; ++i) {
        mark_pages(p, 16, 100 + who + i);
        EXPECT_EQ(status_of([&] {
                    EXPECT(has_marks(p, 16, 100 + who + i));
                    mark_pages(p, 16, 7);
                  }),
                  0);
        EXPECT(has_marks(p, 16, 100 + who + i));
      }
    });
    testing::expect_children(4);
    EXPECT(has_marks(p, 16, round));
  }
}

// The stack, data and bss are shared and broken like the heap.
int data_word = 5;
int bss_word;

void all_segments_are_private() {
  volatile int stack_word = 5;
  *static_cast<volatile int*>(&data_word) = 5;
  *static_cast<volatile int*>(&bss_word) = 5;
  EXPECT_EQ(status_of([&] {
              stack_word = 6;
              *static_cast<volatile int*>(&data_word) = 6;
              *static_cast<volatile int*>(&bss_word) = 6;
            }),
            0);
  EXPECT(stack_word == 5 && *static_cast<volatile int*>(&data_word) == 5 &&
         *static_cast<volatile int*>(&bss_word) == 5);
}

// Memory that shrinks, grows and is shared again keeps its owners apart.
void shrinking_while_shared() {
  char* p = align_break(page);
  grow(32 * page);
  mark_pages(p, 32, 4);
  Gate shrunk;
  testing::start_children(1, [&](int) {
    shrunk.pass();
    EXPECT(has_marks(p, 32, 4));
  });
  sbrk(-16 * page);
  grow(16 * page);
  EXPECT(all_zero(p + 16 * page, 16 * page));
  mark_pages(p, 32, 5);
  shrunk.open();
  testing::expect_children(1);
  EXPECT(has_marks(p, 32, 5));
}

}  // namespace

std::span<const testing::Test> cow_tests() {
  static constexpr testing::Test tests[] = {
      {"both_sides_are_private", both_sides_are_private},
      {"snapshot_is_one_moment", snapshot_is_one_moment},
      {"chain_of_forks", chain_of_forks},
      {"calls_write_into_shared_pages", calls_write_into_shared_pages},
      {"wait_stores_into_a_shared_page", wait_stores_into_a_shared_page},
      {"two_thirds_of_memory", two_thirds_of_memory},
      {"three_generations", three_generations},
      {"forks_of_forks", forks_of_forks},
      {"four_break_the_same_pages", four_break_the_same_pages},
      {"all_segments_are_private", all_segments_are_private},
      {"shrinking_while_shared", shrinking_while_shared},
  };
  return tests;
}

}  // namespace vmtest
