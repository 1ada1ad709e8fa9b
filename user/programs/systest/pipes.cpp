// SPDX-License-Identifier: MIT
// Pipes: order, ends, blocking, and what happens when one side is gone.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::fork_or_fail;

struct Pipe {
  int fds[2];
  Pipe() { EXPECT_EQ(pipe(fds), 0); }
  int reader() const { return fds[0]; }
  int writer() const { return fds[1]; }
  void close_both() { close(fds[0]), close(fds[1]); }
};

// pipe1: a stream in pieces that fit nothing, every byte checked.
void bytes_keep_their_order() {
  constexpr int pieces = 5, piece = 1033;
  Pipe p;
  testing::start_children(1, [&](int) {
    close(p.reader());
    int n = 0;
    for (int i = 0; i < pieces; ++i) {
      for (int j = 0; j < piece; ++j) buffer[j] = static_cast<char>(n++);
      EXPECT_EQ(write(p.writer(), buffer, piece), piece);
    }
  });
  close(p.writer());
  int total = 0, n, want = 1;
  while ((n = read(p.reader(), buffer, want)) > 0) {
    for (int i = 0; i < n; ++i) EXPECT_EQ(static_cast<unsigned char>(buffer[i]), (total + i) & 0xff);
    total += n;
    want = want * 2 > 4096 ? 4096 : want * 2;
  }
  EXPECT_EQ(total, pieces * piece);
  close(p.reader());
  testing::expect_children(1);
}

void end_of_stream() {
  Pipe p;
  EXPECT_EQ(write(p.writer(), "ab", 2), 2);
  close(p.writer());
  EXPECT_EQ(read(p.reader(), buffer, 8), 2);
  EXPECT_EQ(read(p.reader(), buffer, 8), 0);
  EXPECT_EQ(read(p.reader(), buffer, 8), 0);
  close(p.reader());
}

void no_reader_left() {
  Pipe p;
  close(p.reader());
  EXPECT_EQ(write(p.writer(), "x", 1), -1);
  close(p.writer());
}

// A writer that waits for room learns that its reader has gone.
void reader_leaves_a_waiting_writer() {
  Pipe p;
  testing::start_children(1, [&](int) {
    close(p.reader());
    EXPECT(write(p.writer(), buffer, buffer_size) < buffer_size);
  });
  sleep(1);
  p.close_both();
  testing::expect_children(1);
}

void whole_capacity_at_once() {
  Pipe p;
  EXPECT_EQ(write(p.writer(), buffer, abi::pipe_size), abi::pipe_size);
  EXPECT_EQ(read(p.reader(), buffer, buffer_size), abi::pipe_size);
  p.close_both();
}

// A6
void reading_nothing_does_not_wait() {
  Pipe p;
  EXPECT_EQ(read(p.reader(), buffer, 0), 0);
  EXPECT_EQ(write(p.writer(), buffer, 0), 0);
  p.close_both();
}

void ends_are_one_way() {
  Pipe p;
  EXPECT_EQ(read(p.writer(), buffer, 1), -1);
  EXPECT_EQ(write(p.reader(), buffer, 1), -1);
  abi::Stat status;
  EXPECT_EQ(fstat(p.reader(), &status), -1);
  p.close_both();
}

// What could not be delivered to the reader's memory is not lost with an error only: the reader lives.
void bad_buffers() {
  Pipe p;
  EXPECT_EQ(write(p.writer(), "abcd", 4), 4);
  for (const std::uint64_t bad : {std::uint64_t{0x80000000}, std::uint64_t{0x3fffffe000}, ~std::uint64_t{0}}) {
    EXPECT(system_call(abi::Call::write, static_cast<std::uint64_t>(p.writer()), bad, 64) <= 0);
    EXPECT(system_call(abi::Call::read, static_cast<std::uint64_t>(p.reader()), bad, 1) <= 0);
  }
  p.close_both();
}

// pipe() into memory that is not there takes no descriptor.
void bad_descriptor_array() {
  const int before = dup(0);
  close(before);
  for (int i = 0; i < 40; ++i)
    for (const std::uint64_t bad : {std::uint64_t{0xeaeb0b5b00002f5e}, std::uint64_t{0}, ~std::uint64_t{3}})
      EXPECT_EQ(system_call(abi::Call::pipe, bad), -1);
  const int after = dup(0);
  EXPECT_EQ(after, before);
  close(after);
}

void ping_pong() {
  Pipe there, back;
  testing::start_children(1, [&](int) {
    char c;
    for (int i = 0; i < 500; ++i) {
      EXPECT_EQ(read(there.reader(), &c, 1), 1);
      EXPECT_EQ(write(back.writer(), &c, 1), 1);
    }
  });
  for (int i = 0; i < 500; ++i) {
    char c = static_cast<char>(i);
    EXPECT_EQ(write(there.writer(), &c, 1), 1);
    EXPECT_EQ(read(back.reader(), &c, 1), 1);
    EXPECT_EQ(static_cast<unsigned char>(c), i & 0xff);
  }
  testing::expect_children(1);
  there.close_both(), back.close_both();
}

// Several writers: each one's small pieces arrive whole or at least complete in number.
void many_writers() {
  constexpr int writers = 4, rounds = 100;
  Pipe p;
  testing::start_children(writers, [&](int who) {
    const char c = static_cast<char>('a' + who);
    for (int i = 0; i < rounds; ++i) EXPECT_EQ(write(p.writer(), &c, 1), 1);
  });
  close(p.writer());
  int counts[writers] = {}, n;
  while ((n = read(p.reader(), buffer, buffer_size)) > 0)
    for (int i = 0; i < n; ++i) ++counts[(buffer[i] - 'a') & 3];
  for (const int count : counts) EXPECT_EQ(count, rounds);
  close(p.reader());
  testing::expect_children(writers);
}

// Large transfers with buffers that cross pages.
void large_transfer() {
  constexpr int rounds = 16;
  Pipe p;
  testing::start_children(1, [&](int) {
    for (int i = 0; i < buffer_size; ++i) buffer[i] = static_cast<char>(i * 7);
    for (int i = 0; i < rounds; ++i) EXPECT_EQ(write(p.writer(), buffer, buffer_size), buffer_size);
  });
  close(p.writer());
  int at = 0, n;
  while ((n = read(p.reader(), buffer + 100, 5000)) > 0)
    for (int i = 0; i < n; ++i, ++at) EXPECT_EQ(buffer[100 + i], static_cast<char>((at % buffer_size) * 7));
  EXPECT_EQ(at, rounds * buffer_size);
  close(p.reader());
  testing::expect_children(1);
}

// A reader killed in mid-wait leaves the pipe in order.
void killed_reader() {
  for (int i = 0; i < 10; ++i) {
    Pipe p;
    const int pid = fork_or_fail();
    if (pid == 0) {
      close(p.writer());
      for (;;) read(p.reader(), buffer, 64);
    }
    close(p.reader());
    EXPECT_EQ(write(p.writer(), "abc", 3), 3);
    EXPECT_EQ(kill(pid), 0);
    int status;
    EXPECT_EQ(wait(&status), pid);
    EXPECT_EQ(status, testing::killed);
    EXPECT_EQ(write(p.writer(), "abc", 3), -1);
    close(p.writer());
  }
}

}  // namespace

std::span<const testing::Test> pipe_tests() {
  static constexpr testing::Test tests[] = {
      {"bytes_keep_their_order", bytes_keep_their_order},
      {"end_of_stream", end_of_stream},
      {"no_reader_left", no_reader_left},
      {"reader_leaves_a_waiting_writer", reader_leaves_a_waiting_writer},
      {"whole_capacity_at_once", whole_capacity_at_once},
      {"reading_nothing_does_not_wait", reading_nothing_does_not_wait},
      {"ends_are_one_way", ends_are_one_way},
      {"bad_buffers", bad_buffers},
      {"bad_descriptor_array", bad_descriptor_array},
      {"ping_pong", ping_pong},
      {"many_writers", many_writers},
      {"large_transfer", large_transfer},
      {"killed_reader", killed_reader},
  };
  return tests;
}

}  // namespace systest
