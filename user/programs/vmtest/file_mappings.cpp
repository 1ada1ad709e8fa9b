// SPDX-License-Identifier: MIT
// mmap of files: what is seen, what is written back and when, and what the mapping outlives.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::is_killed;
using testing::look;
using testing::status_of;
using testing::touch;

char contents[3 * page];

// A file of one and a half pages of 'A', the second half page of which is 'B'.
void make_file(const char* path) {
  memset(contents, 'A', page);
  memset(contents + page, 'B', page / 2);
  testing::make_file(path, contents, page + page / 2);
}

int open_or_fail(const char* path, Mode mode) {
  const int fd = open(path, mode);
  EXPECT(fd >= 0);
  return fd;
}

char* map(int bytes, Protection protection, MapFlags flags, int fd, std::size_t offset = 0) {
  void* p = mmap(static_cast<std::size_t>(bytes), protection, flags, fd, offset);
  EXPECT(p != mmap_failed);
  EXPECT_EQ(as_word(p) % abi::page_size, 0);
  return static_cast<char*>(p);
}

void expect_file(const char* path, int offset, char wanted, int bytes) {
  const int fd = open_or_fail(path, Mode::read_only);
  memset(contents, 0, sizeof(contents));
  const int n = read(fd, contents, sizeof(contents));
  EXPECT(n >= offset + bytes);
  for (int i = offset; i < offset + bytes; ++i) EXPECT_EQ(contents[i], wanted);
  close(fd);
}

std::int64_t size_of(const char* path) {
  abi::Stat status;
  EXPECT_EQ(stat(path, &status), 0);
  return static_cast<std::int64_t>(status.size);
}

// Contents, then zeros to the end of the page.
void expect_pattern(const char* p) {
  for (int i = 0; i < page; ++i) EXPECT_EQ(look(p + i), 'A');
  for (int i = page; i < page + page / 2; ++i) EXPECT_EQ(look(p + i), 'B');
  EXPECT(all_zero(p + page + page / 2, page / 2));
}

void private_mapping() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_only);
  char* p = map(2 * page, read_write, MapFlags::private_copy, fd);
  close(fd);
  expect_pattern(p);
  memset(p, 'Z', 2 * page);
  EXPECT_EQ(munmap(p, 2 * page), 0);
  expect_file("f", 0, 'A', page);
  EXPECT_EQ(size_of("f"), page + page / 2);
  EXPECT_EQ(unlink("f"), 0);
}

void rights_of_the_descriptor() {
  make_file("f");
  int fd = open_or_fail("f", Mode::read_only);
  EXPECT(mmap(page, read_write, MapFlags::shared, fd) == mmap_failed);
  char* p = map(page, Protection::read, MapFlags::shared, fd);
  EXPECT_EQ(look(p), 'A');
  EXPECT(is_killed([=] { touch(p, 1); }));
  EXPECT_EQ(munmap(p, page), 0);
  close(fd);
  fd = open_or_fail("f", Mode::write_only);
  EXPECT(mmap(page, Protection::read, MapFlags::private_copy, fd) == mmap_failed);
  EXPECT(mmap(page, read_write, MapFlags::shared, fd) == mmap_failed);
  close(fd);
  EXPECT_EQ(unlink("f"), 0);
}

// Dirty data reaches the file, by pages, and the file does not grow.
void shared_mapping_is_written_back() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  char* p = map(3 * page, read_write, MapFlags::shared, fd);
  close(fd);
  expect_pattern(p);
  memset(p, 'P', page);
  memset(p + page, 'R', page);
  EXPECT_EQ(munmap(p, 2 * page), 0);
  expect_file("f", 0, 'P', page);
  expect_file("f", page, 'R', page / 2);
  EXPECT_EQ(size_of("f"), page + page / 2);
  EXPECT_EQ(munmap(p + 2 * page, page), 0);
  EXPECT_EQ(unlink("f"), 0);
}

// mmap reads nothing: what is written before the first touch is seen.
void pages_come_at_first_touch() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  char* p = map(2 * page, Protection::read, MapFlags::private_copy, fd);
  char* q = map(2 * page, Protection::read, MapFlags::shared, fd);
  memset(contents, 'N', page);
  EXPECT_EQ(write(fd, contents, page), page);
  EXPECT_EQ(look(p), 'N');
  EXPECT_EQ(look(q), 'N');
  EXPECT_EQ(look(q + page), 'B');
  EXPECT_EQ(munmap(p, 2 * page) | munmap(q, 2 * page), 0);
  close(fd);
  EXPECT_EQ(unlink("f"), 0);
}

// One truth: what one process stores, read() returns, and what write() puts there is in memory.
void mapping_and_calls_agree() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  char* p = map(2 * page, read_write, MapFlags::shared, fd);
  touch(p + 10, 'x');
  touch(p + page + 20, 'y');
  const int in = open_or_fail("f", Mode::read_only);
  EXPECT_EQ(read(in, contents, 2 * page), page + page / 2);
  EXPECT(contents[10] == 'x' && contents[page + 20] == 'y' && contents[11] == 'A');
  EXPECT_EQ(write(fd, "qrs", 3), 3);
  EXPECT(look(p) == 'q' && look(p + 2) == 's' && look(p + 10) == 'x');
  // Two mappings of one file are the same memory.
  char* q = map(page, Protection::read, MapFlags::shared, in);
  touch(p + 30, 'z');
  EXPECT_EQ(look(q + 30), 'z');
  close(fd), close(in);
  EXPECT_EQ(munmap(q, page) | munmap(p, 2 * page), 0);
  expect_file("f", 10, 'x', 1);
  expect_file("f", 30, 'z', 1);
  EXPECT_EQ(unlink("f"), 0);
}

void mapping_outlives_the_name() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  char* p = map(2 * page, read_write, MapFlags::shared, fd);
  close(fd);
  EXPECT_EQ(unlink("f"), 0);
  expect_pattern(p);
  touch(p, 'Q');
  EXPECT_EQ(munmap(p, 2 * page), 0);
  EXPECT_EQ(open("f", Mode::read_only), -1);
}

void head_tail_and_middle() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  char* p = map(3 * page, read_write, MapFlags::shared, fd);
  touch(p, 'h');
  touch(p + page, 'm');
  EXPECT_EQ(munmap(p, page), 0);
  EXPECT(is_killed([=] { look(p); }));
  EXPECT_EQ(look(p + page), 'm');
  EXPECT_EQ(munmap(p + 2 * page, page), 0);
  EXPECT_EQ(look(p + page), 'm');
  EXPECT_EQ(munmap(p + page, page), 0);
  EXPECT_EQ(munmap(p + page, page), -1);
  expect_file("f", 0, 'h', 1);
  expect_file("f", page, 'm', 1);
  p = map(3 * page, read_write, MapFlags::private_copy, fd);
  mark_page(p, 0, 1);
  mark_page(p, 1, 1);
  if (munmap(p + page, page) == 0) {  // a hole in the middle may be refused, not half made
    EXPECT(has_mark(p, 0, 1));
    EXPECT(is_killed([=] { look(p + page); }));
    EXPECT_EQ(munmap(p, page), 0);
    EXPECT_EQ(munmap(p + 2 * page, page), 0);
  } else {
    EXPECT(has_mark(p, 1, 1));
    EXPECT_EQ(munmap(p, 3 * page), 0);
  }
  close(fd);
  EXPECT_EQ(unlink("f"), 0);
}

void two_files_at_once() {
  testing::make_file("a", "12345", 5);
  testing::make_file("b", "67890", 5);
  const int a = open_or_fail("a", Mode::read_write), b = open_or_fail("b", Mode::read_write);
  char* p = map(page, Protection::read, MapFlags::private_copy, a);
  char* q = map(page, Protection::read, MapFlags::private_copy, b);
  close(a), close(b);
  EXPECT_EQ(unlink("a") | unlink("b"), 0);
  EXPECT(memcmp(p, "12345", 5) == 0);
  EXPECT_EQ(munmap(p, page), 0);
  EXPECT(memcmp(q, "67890", 5) == 0);
  EXPECT_EQ(munmap(q, page), 0);
}

// The child has the parent's mappings, also pages nobody touched; what it unmaps stays mapped in the parent.
void fork_keeps_mappings() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  char* p = map(2 * page, Protection::read, MapFlags::shared, fd);
  char* q = map(2 * page, read_write, MapFlags::private_copy, fd);
  EXPECT_EQ(look(p), 'A');
  touch(q, 'p');
  EXPECT_EQ(status_of([=] {
              expect_pattern(p);
              EXPECT_EQ(look(q), 'p');
              EXPECT_EQ(look(q + page), 'B');
              touch(q, 'c');
              EXPECT_EQ(munmap(p, page), 0);
            }),
            0);
  EXPECT_EQ(look(q), 'p');
  expect_pattern(p);
  EXPECT_EQ(munmap(p, 2 * page) | munmap(q, 2 * page), 0);
  close(fd);
  EXPECT_EQ(unlink("f"), 0);
}

// exit and exec unmap as munmap does: with the data.
void exit_and_exec_write_back() {
  make_file("f");
  for (const char mark : {'e', 'x'}) {
    EXPECT_EQ(status_of([=] {
                const int fd = open_or_fail("f", Mode::read_write);
                char* p = map(2 * page, read_write, MapFlags::shared, fd);
                memset(p, mark, page);
                close(fd);
                if (mark == 'e') exit(0);
                close(1);
                open("out", create_both);
                static char name[] = "/echo";
                char* arguments[] = {name, nullptr};
                exec("/echo", arguments);
              }),
              0);
    expect_file("f", 0, mark, page);
  }
  EXPECT(is_killed([] {
    const int fd = open_or_fail("f", Mode::read_write);
    char* p = map(2 * page, read_write, MapFlags::shared, fd);
    memset(p, 'k', page);
    kill(getpid());
    for (;;) getpid();
  }));
  expect_file("f", 0, 'k', page);
  EXPECT_EQ(unlink("f") | unlink("out"), 0);
}

// Past the last page of the file there is nothing to be had.
void beyond_the_end() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  char* p = map(4 * page, read_write, MapFlags::shared, fd);
  EXPECT_EQ(look(p + 2 * page - 1), 0);
  EXPECT(is_killed([=] { look(p + 2 * page); }));
  EXPECT(is_killed([=] { touch(p + 3 * page, 1); }));
  EXPECT_EQ(munmap(p, 4 * page), 0);
  close(fd);
  EXPECT_EQ(unlink("f"), 0);
}

// V29: the file shrinks under the mapping; whatever the answer, it is one of two, and nobody else notices.
void truncated_while_mapped() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  const int status = status_of([=] {
    char* p = map(2 * page, read_write, MapFlags::shared, fd);
    touch(p, 'x');
    const int other = open_or_fail("f", Mode::write_only | Mode::truncate);
    close(other);
    touch(p + page, 'y');
    look(p);
    munmap(p, 2 * page);
  });
  EXPECT(status == 0 || status == testing::killed);
  EXPECT_EQ(size_of("f"), 0);
  close(fd);
  EXPECT_EQ(unlink("f"), 0);
}

void offset_into_the_file() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_only);
  void* p = mmap(page, Protection::read, MapFlags::private_copy, fd, page);
  if (p != mmap_failed) {
    EXPECT_EQ(look(static_cast<char*>(p)), 'B');
    EXPECT_EQ(munmap(p, page), 0);
  }
  EXPECT(mmap(page, Protection::read, MapFlags::private_copy, fd, 100) == mmap_failed);
  EXPECT(mmap(page, Protection::read, MapFlags::private_copy, fd, ~std::size_t{0}) == mmap_failed);
  EXPECT(mmap(page, Protection::read, MapFlags::private_copy, fd, ~std::size_t{4095}) == mmap_failed);
  close(fd);
  EXPECT_EQ(unlink("f"), 0);
}

// V26: the copy faults on the very file whose call it serves.
void reading_a_file_into_its_own_mapping() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  char* p = map(2 * page, read_write, MapFlags::shared, fd);
  EXPECT_EQ(read(fd, p + page, 100), 100);
  EXPECT(look(p + page) == 'A' && look(p + page + 100) == 'B');
  char* q = map(2 * page, Protection::read, MapFlags::shared, fd);
  const int out = open_or_fail("f", Mode::write_only);
  EXPECT_EQ(write(out, q + page, 200), 200);
  EXPECT(look(p) == 'A' && look(p + 100) == 'B');
  close(fd), close(out);
  EXPECT_EQ(munmap(p, 2 * page) | munmap(q, 2 * page), 0);
  EXPECT_EQ(unlink("f"), 0);
}

// V27: pipes copy under a lock; the page must come from the disk.
void pipe_and_a_cold_mapping() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  char* p = map(2 * page, read_write, MapFlags::shared, fd);
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  EXPECT_EQ(write(fds[1], p + page - 100, 200), 200);
  EXPECT_EQ(read(fds[0], contents, 200), 200);
  EXPECT(contents[0] == 'A' && contents[100] == 'B');
  EXPECT_EQ(munmap(p, 2 * page), 0);
  p = map(2 * page, read_write, MapFlags::shared, fd);
  EXPECT_EQ(write(fds[1], "wxyz", 4), 4);
  EXPECT_EQ(read(fds[0], p + page - 2, 4), 4);
  EXPECT(look(p + page - 1) == 'x' && look(p + page) == 'y');
  close(fds[0]), close(fds[1]), close(fd);
  EXPECT_EQ(munmap(p, 2 * page), 0);
  expect_file("f", page, 'y', 1);
  EXPECT_EQ(unlink("f"), 0);
}

// V28: dirty mapped data goes through the log while others fill it.
void write_back_under_a_full_log() {
  testing::run_children(3, [](int who) {
    char name[] = "f0";
    name[1] = static_cast<char>('0' + who);
    for (int round = 0; round < 4; ++round) {
      make_file(name);
      const int fd = open_or_fail(name, Mode::read_write);
      char* p = map(2 * page, read_write, MapFlags::shared, fd);
      memset(p, 'a' + round, page + page / 2);
      // The buffer is the dirty mapping itself.
      const int out = open_or_fail(name, Mode::write_only);
      EXPECT_EQ(write(out, p + 1, page), page);
      EXPECT_EQ(munmap(p, 2 * page), 0);
      close(fd), close(out);
      expect_file(name, 0, static_cast<char>('a' + round), page + page / 2);
    }
    EXPECT_EQ(unlink(name), 0);
  });
}

// V13: code that comes from a file is run as it is in the file, each time anew.
void code_in_a_file() {
  for (unsigned value = 1; value <= 3; ++value) {
    const unsigned code[2] = {0x00000513u | value << 20, 0x00008067u};  // li a0, value; ret
    testing::make_file("code", code, sizeof(code));
    const int fd = open_or_fail("code", Mode::read_only);
    char* p = map(page, Protection::read | Protection::execute, MapFlags::private_copy, fd);
    EXPECT_EQ(reinterpret_cast<unsigned (*)()>(p)(), value);
    EXPECT_EQ(munmap(p, page), 0);
    close(fd);
    EXPECT_EQ(unlink("code"), 0);
  }
}

void bad_arguments() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_write);
  const auto fails = [](std::size_t bytes, int protection, int flags, int descriptor) {
    return mmap(nullptr, bytes, protection, flags, descriptor, 0) == mmap_failed;
  };
  EXPECT(fails(0, 1, 1, fd));
  EXPECT(fails(~std::size_t{0}, 1, 1, fd));
  EXPECT(fails(std::size_t{1} << 38, 1, 1, fd));
  EXPECT(fails(std::size_t{1} << 63, 1, 1, fd));
  EXPECT(fails(~std::size_t{4095}, 1, 1, fd));
  EXPECT(fails(page, 1, 1, -1));
  EXPECT(fails(page, 1, 1, 16));
  EXPECT(fails(page, 1, 1, 14));
  EXPECT(fails(page, 1, 0, fd));
  EXPECT(fails(page, 1, 3, fd));
  EXPECT(fails(page, -1, 1, fd));
  EXPECT(fails(page, 6, 2, fd));  // code that is written as it runs (W^X)
  EXPECT(fails(page, 7, 0x22, -1));
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  EXPECT(fails(page, 1, 1, fds[0]));
  const int directory = open_or_fail(".", Mode::read_only);
  EXPECT(fails(page, 1, 2, directory));
  const int console = open_or_fail("/console", Mode::read_write);
  EXPECT(fails(page, 1, 1, console));
  close(fds[0]), close(fds[1]), close(directory), close(console);
  char* p = map(2 * page, Protection::read, MapFlags::shared, fd);
  EXPECT_EQ(munmap(p + 1, page), -1);
  EXPECT_EQ(munmap(p, 0), -1);
  EXPECT_EQ(munmap(p, ~std::size_t{0}), -1);
  EXPECT_EQ(munmap(p, ~std::size_t{4095}), -1);
  EXPECT_EQ(munmap(nullptr, page), -1);
  EXPECT_EQ(munmap(reinterpret_cast<void*>(abi::trapframe), page), -1);
  EXPECT_EQ(munmap(reinterpret_cast<void*>(abi::usyscall), page), -1);
  EXPECT_EQ(munmap(reinterpret_cast<void*>(std::uint64_t{1} << 63), page), -1);
  EXPECT_EQ(munmap(reinterpret_cast<void*>(0x80000000), page), -1);
  EXPECT_EQ(look(p), 'A');
  EXPECT_EQ(munmap(p, 2 * page), 0);
  close(fd);
  EXPECT_EQ(unlink("f"), 0);
}

// Many mappings: at the limit -1, and all can be undone.
void as_many_as_there_can_be() {
  make_file("f");
  const int fd = open_or_fail("f", Mode::read_only);
  static char* mappings[300];
  int count = 0;
  for (; count < 300; ++count) {
    void* p = mmap(2 * page, Protection::read, MapFlags::private_copy, fd);
    if (p == mmap_failed) break;
    mappings[count] = static_cast<char*>(p);
  }
  EXPECT(count >= 16);
  close(fd);
  for (int i = 0; i < count; i += 5) EXPECT_EQ(look(mappings[i]), 'A');
  for (int i = 0; i < count; ++i) EXPECT_EQ(munmap(mappings[i], 2 * page), 0);
  EXPECT_EQ(unlink("f"), 0);
}

}  // namespace

std::span<const testing::Test> file_mapping_tests() {
  static constexpr testing::Test tests[] = {
      {"private_mapping", private_mapping},
      {"rights_of_the_descriptor", rights_of_the_descriptor},
      {"shared_mapping_is_written_back", shared_mapping_is_written_back},
      {"pages_come_at_first_touch", pages_come_at_first_touch},
      {"mapping_and_calls_agree", mapping_and_calls_agree},
      {"mapping_outlives_the_name", mapping_outlives_the_name},
      {"head_tail_and_middle", head_tail_and_middle},
      {"two_files_at_once", two_files_at_once},
      {"fork_keeps_mappings", fork_keeps_mappings},
      {"exit_and_exec_write_back", exit_and_exec_write_back},
      {"beyond_the_end", beyond_the_end},
      {"truncated_while_mapped", truncated_while_mapped},
      {"offset_into_the_file", offset_into_the_file},
      {"reading_a_file_into_its_own_mapping", reading_a_file_into_its_own_mapping},
      {"pipe_and_a_cold_mapping", pipe_and_a_cold_mapping},
      {"write_back_under_a_full_log", write_back_under_a_full_log},
      {"code_in_a_file", code_in_a_file},
      {"bad_mmap_arguments", bad_arguments},
      {"as_many_as_there_can_be", as_many_as_there_can_be},
  };
  return tests;
}

}  // namespace vmtest
