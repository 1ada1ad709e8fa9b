// SPDX-License-Identifier: MIT
// One process and its files: contents, sizes, offsets, truncation, links.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::make_file;

void open_missing() {
  int fd = open("/echo", Mode::read_only);
  EXPECT(fd >= 0);
  close(fd);
  EXPECT_EQ(open("does-not-exist", Mode::read_only), -1);
  EXPECT_EQ(open("does-not-exist", Mode::read_write), -1);
  EXPECT_EQ(open("none/file", create_write), -1);
}

void write_read_back() {
  int fd = open("small", create_both);
  EXPECT(fd >= 0);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(write(fd, "aaaaaaaaaa", 10), 10);
    EXPECT_EQ(write(fd, "bbbbbbbbbb", 10), 10);
  }
  close(fd);
  fd = open("small", Mode::read_only);
  EXPECT_EQ(read(fd, buffer, buffer_size), 2000);
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(buffer[i], i / 10 % 2 == 0 ? 'a' : 'b');
  EXPECT_EQ(read(fd, buffer, buffer_size), 0);
  close(fd);
  EXPECT_EQ(unlink("small"), 0);
}

// writebig. An image of the fs lab takes 65,803 blocks; 300 are enough to know that.
void largest_file() {
  int fd = open("big", create_both);
  int blocks = 0;
  auto* number = reinterpret_cast<int*>(buffer);
  for (; blocks < 300; ++blocks) {
    *number = blocks;
    if (write(fd, buffer, abi::block_size) != static_cast<int>(abi::block_size)) break;
  }
  EXPECT(blocks == 268 || blocks == 300);
  if (blocks == 268) EXPECT_EQ(write(fd, buffer, 1), -1);
  close(fd);
  EXPECT_EQ(size_of("big"), blocks * 1024);
  fd = open("big", Mode::read_only);
  for (int i = 0; i < blocks; ++i) {
    EXPECT_EQ(read(fd, buffer, abi::block_size), abi::block_size);
    EXPECT_EQ(*number, i);
  }
  EXPECT_EQ(read(fd, buffer, abi::block_size), 0);
  close(fd);
  EXPECT_EQ(unlink("big"), 0);
}

// bigwrite: writes of every size that straddles blocks, larger than the log can take in one go.
void write_sizes() {
  for (int size = 499; size < 12 * 1024; size += 941) {
    const int fd = open("sized", create_both);
    EXPECT(fd >= 0);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(write(fd, buffer, size), size);
    close(fd);
    EXPECT_EQ(size_of("sized"), 2 * size);
    EXPECT_EQ(unlink("sized"), 0);
  }
}

// bigfile: pieces that never match a block.
void odd_pieces() {
  constexpr int count = 20, piece = 600;
  int fd = open("odd", create_both);
  for (int i = 0; i < count; ++i) {
    memset(buffer, i, piece);
    EXPECT_EQ(write(fd, buffer, piece), piece);
  }
  close(fd);
  fd = open("odd", Mode::read_only);
  for (int i = 0; i < 2 * count; ++i) {
    EXPECT_EQ(read(fd, buffer, piece / 2), piece / 2);
    EXPECT(buffer[0] == i / 2 && buffer[piece / 2 - 1] == i / 2);
  }
  EXPECT_EQ(read(fd, buffer, piece), 0);
  close(fd);
  EXPECT_EQ(unlink("odd"), 0);
}

// truncate1: other descriptors see the file shrink and grow.
void truncation_is_seen() {
  make_file("t", "abcd", 4);
  const int reader = open("t", Mode::read_only);
  EXPECT_EQ(read(reader, buffer, 32), 4);
  const int writer = open("t", Mode::write_only | Mode::truncate);
  const int late = open("t", Mode::read_only);
  EXPECT_EQ(read(late, buffer, 32), 0);
  EXPECT_EQ(read(reader, buffer, 32), 0);
  EXPECT_EQ(write(writer, "abcdef", 6), 6);
  EXPECT_EQ(read(late, buffer, 32), 6);
  EXPECT_EQ(read(reader, buffer, 32), 2);
  EXPECT_EQ(unlink("t"), 0);
  close(reader), close(writer), close(late);
}

// truncate2: an offset that now lies beyond the end does not make a hole.
void write_beyond_truncated_end() {
  const int writer = open("t", create_write | Mode::truncate);
  EXPECT_EQ(write(writer, "abcd", 4), 4);
  const int other = open("t", Mode::write_only | Mode::truncate);
  EXPECT_EQ(write(writer, "x", 1), -1);
  EXPECT_EQ(unlink("t"), 0);
  close(writer), close(other);
}

// truncate3: truncation against a writer and a reader in another process.
void truncation_race() {
  make_file("t", "xxx", 3);
  testing::start_children(1, [](int) {
    for (int i = 0; i < 50; ++i) {
      int fd = open("t", Mode::write_only);
      EXPECT(fd >= 0);
      EXPECT_EQ(write(fd, "1234567890", 10), 10);
      close(fd);
      fd = open("t", Mode::read_only);
      EXPECT(read(fd, buffer, 32) >= 0);
      close(fd);
    }
  });
  for (int i = 0; i < 75; ++i) {
    const int fd = open("t", create_write | Mode::truncate);
    EXPECT(fd >= 0);
    EXPECT_EQ(write(fd, "xxx", 3), 3);
    close(fd);
  }
  testing::expect_children(1);
  EXPECT_EQ(unlink("t"), 0);
}

void unlinked_file_lives_while_open() {
  make_file("u", "hello", 5);
  const int fd = open("u", Mode::read_write);
  EXPECT_EQ(unlink("u"), 0);
  EXPECT(!exists("u"));
  make_file("u", "yyy", 3);
  EXPECT_EQ(read(fd, buffer, 32), 5);
  EXPECT(memcmp(buffer, "hello", 5) == 0);
  EXPECT_EQ(write(fd, buffer, 10), 10);
  close(fd);
  EXPECT_EQ(readable_bytes("u"), 3);
  EXPECT_EQ(unlink("u"), 0);
}

void links() {
  make_file("l1", "hello", 5);
  EXPECT_EQ(link("l1", "l2"), 0);
  abi::Stat status;
  EXPECT_EQ(stat("l2", &status), 0);
  EXPECT_EQ(status.link_count, 2);
  EXPECT_EQ(unlink("l1"), 0);
  EXPECT(!exists("l1"));
  EXPECT_EQ(readable_bytes("l2"), 5);
  EXPECT_EQ(link("l2", "l2"), -1);
  EXPECT_EQ(unlink("l2"), 0);
  EXPECT_EQ(link("l2", "l1"), -1);
  EXPECT_EQ(link(".", "l1"), -1);
}

void dup_shares_the_offset() {
  make_file("d", "abcdef", 6);
  const int a = open("d", Mode::read_only);
  const int b = dup(a);
  char x[2];
  EXPECT_EQ(read(a, x, 2), 2);
  EXPECT_EQ(read(b, x, 2), 2);
  EXPECT(x[0] == 'c' && x[1] == 'd');
  EXPECT_EQ(close(a), 0);
  EXPECT_EQ(read(b, x, 2), 2);
  EXPECT(x[0] == 'e');
  close(b);
  EXPECT_EQ(unlink("d"), 0);
}

// sharedfd: two processes write through one descriptor, nothing is lost.
void fork_shares_the_offset() {
  constexpr int rounds = 200, piece = 10;
  const int fd = open("shared", create_both | Mode::truncate);
  testing::run_children(2, [&](int i) {
    char text[piece];
    memset(text, i == 0 ? 'c' : 'p', piece);
    for (int n = 0; n < rounds; ++n) EXPECT_EQ(write(fd, text, piece), piece);
  });
  close(fd);
  EXPECT_EQ(readable_bytes("shared"), 2 * rounds * piece);
  int c = 0, p = 0;
  for (int i = 0; i < 2 * rounds * piece; ++i) c += buffer[i] == 'c', p += buffer[i] == 'p';
  EXPECT(c == rounds * piece && p == rounds * piece);
  EXPECT_EQ(unlink("shared"), 0);
}

// A file may be reached only in the ways it was opened for.
void open_modes_are_kept() {
  make_file("m", "abc", 3);
  int fd = open("m", Mode::read_only);
  EXPECT_EQ(write(fd, "x", 1), -1);
  close(fd);
  fd = open("m", Mode::write_only);
  EXPECT_EQ(read(fd, buffer, 1), -1);
  close(fd);
  EXPECT_EQ(readable_bytes("m"), 3);
  EXPECT_EQ(unlink("m"), 0);
}

// O_CREATE of a name that exists opens it and keeps what it holds.
void create_keeps_contents() {
  make_file("k", "abc", 3);
  const int fd = open("k", create_both);
  EXPECT_EQ(read(fd, buffer, 8), 3);
  close(fd);
  EXPECT_EQ(unlink("k"), 0);
}

void zero_length_io() {
  const int fd = open("z", create_both);
  EXPECT_EQ(write(fd, "", 0), 0);
  EXPECT_EQ(read(fd, buffer, 0), 0);
  close(fd);
  EXPECT_EQ(size_of("z"), 0);
  EXPECT_EQ(unlink("z"), 0);
}

// A5: a write whose buffer ends in nothing fails, but what came before the end is in the file for good.
void partial_write() {
  memset(buffer, 'a', abi::block_size);
  make_file("p", buffer, abi::block_size);
  char* end = sbrk(0);
  const auto misaligned = reinterpret_cast<std::uintptr_t>(end) % abi::page_size;
  if (misaligned != 0) sbrk(static_cast<int>(abi::page_size - misaligned));
  sbrk(static_cast<int>(abi::page_size));
  end = sbrk(0);
  memset(end - 64, 'b', 64);
  int fd = open("p", Mode::write_only);
  EXPECT_EQ(write(fd, end - 64, 1024), -1);
  close(fd);
  fd = open("p", Mode::read_only);
  EXPECT_EQ(read(fd, buffer, 2048), 1024);
  for (int i = 0; i < 1024; ++i) EXPECT_EQ(buffer[i], i < 64 ? 'b' : 'a');
  close(fd);
  EXPECT_EQ(unlink("p"), 0);
}

void fstat_fields() {
  make_file("f", "12345", 5);
  abi::Stat status;
  const int fd = open("f", Mode::read_only);
  EXPECT_EQ(fstat(fd, &status), 0);
  EXPECT(status.type == abi::FileType::file);
  EXPECT(status.size == 5 && status.link_count == 1 && status.inode > 1 && status.device == 1);
  close(fd);
  EXPECT_EQ(stat("/", &status), 0);
  EXPECT(status.type == abi::FileType::directory && status.inode == 1);
  EXPECT_EQ(stat("/console", &status), 0);
  EXPECT(status.type == abi::FileType::device);
  EXPECT_EQ(unlink("f"), 0);
}

void device_nodes() {
  for (const short major : {short{99}, short{-1}, short{0x7fff}}) {
    if (mknod("dev", major, 0) < 0) continue;
    EXPECT_EQ(open("dev", Mode::read_write), -1);
    EXPECT_EQ(unlink("dev"), 0);
  }
  // A major in the table that no driver took.
  EXPECT_EQ(mknod("dev", 7, 0), 0);
  const int fd = open("dev", Mode::read_write);
  if (fd >= 0) {
    EXPECT_EQ(read(fd, buffer, 1), -1);
    EXPECT_EQ(write(fd, buffer, 1), -1);
    close(fd);
  }
  EXPECT_EQ(unlink("dev"), 0);
  EXPECT_EQ(mknod("none/dev", 1, 0), -1);
}

}  // namespace

std::span<const testing::Test> file_tests() {
  static constexpr testing::Test tests[] = {
      {"open_missing", open_missing},
      {"write_read_back", write_read_back},
      {"largest_file", largest_file},
      {"write_sizes", write_sizes},
      {"odd_pieces", odd_pieces},
      {"truncation_is_seen", truncation_is_seen},
      {"write_beyond_truncated_end", write_beyond_truncated_end},
      {"truncation_race", truncation_race},
      {"unlinked_file_lives_while_open", unlinked_file_lives_while_open},
      {"links", links},
      {"dup_shares_the_offset", dup_shares_the_offset},
      {"fork_shares_the_offset", fork_shares_the_offset},
      {"open_modes_are_kept", open_modes_are_kept},
      {"create_keeps_contents", create_keeps_contents},
      {"zero_length_io", zero_length_io},
      {"partial_write", partial_write},
      {"fstat_fields", fstat_fields},
      {"device_nodes", device_nodes},
  };
  return tests;
}

}  // namespace systest
