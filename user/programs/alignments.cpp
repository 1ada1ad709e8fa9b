// SPDX-License-Identifier: MIT
// alignments: moves the same bytes between kernel and program with each of the 8 x 8 ways in which source and
// destination may lie in their words, and prints for each call what the cheapest and the dearest of them cost, in
// instructions: `NAME: BEST to WORST`. Compared under -icount, where a call costs the same each time.
#include "user/libc/user.hpp"

namespace {

constexpr int word = 8;
constexpr int pipe_bytes = 512, file_bytes = 4096;
char memory[file_bytes + 2 * word];

[[noreturn]] void give_up(const char* what) {
  fprintf(2, "alignments: %s\n", what);
  exit(1);
}

struct Range {
  std::uint64_t best = ~std::uint64_t{0}, worst = 0;
};

std::uint64_t instructions() {
  std::uint64_t count;
  asm volatile("rdinstret %0" : "=r"(count)::"memory");
  return count;
}

template <typename Call>
void measure(Range& range, int expected, Call call) {
  const std::uint64_t begin = instructions();
  const int moved = call();
  const std::uint64_t count = instructions() - begin;
  if (moved != expected) give_up("a call moved less than all");
  if (count < range.best) range.best = count;
  if (count > range.worst) range.worst = count;
}

void print(const char* name, const Range& range) {
  printf("%s: %lu to %lu\n", name, static_cast<unsigned long>(range.best), static_cast<unsigned long>(range.worst));
}

// `inside` bytes stand before ours in the ring and are taken out before ours are.
void through_pipe(Range& writes, Range& reads, int inside, char* at) {
  int ends[2];
  if (pipe(ends) != 0) give_up("pipe");
  if (inside != 0 && write(ends[1], memory, inside) != inside) give_up("write");
  measure(writes, pipe_bytes, [&] { return write(ends[1], at, pipe_bytes); });
  if (inside != 0 && read(ends[0], memory, inside) != inside) give_up("read");
  measure(reads, pipe_bytes, [&] { return read(ends[0], at, pipe_bytes); });
  close(ends[0]);
  close(ends[1]);
}

void make_file(const char* name) {
  const int file = open(name, abi::OpenMode::create | abi::OpenMode::truncate | abi::OpenMode::write_only);
  for (int i = 0; i < 2; ++i)
    if (write(file, memory, file_bytes) != file_bytes) give_up("a file for the reads");
  close(file);
}

void from_file(Range& reads, const char* name, int inside, char* at) {
  const int file = open(name, abi::OpenMode::read_only);
  if (file < 0) give_up("open");
  if (inside != 0 && read(file, memory, inside) != inside) give_up("read");
  measure(reads, file_bytes, [&] { return read(file, at, file_bytes); });
  close(file);
}

template <typename Move>
void each_pair(Move move) {
  for (int inside = 0; inside < word; ++inside)
    for (int outside = 0; outside < word; ++outside) move(inside, memory + outside);
}

}  // namespace

int main(int, char**) {
  constexpr char name[] = "alignments.tmp";
  make_file(name);
  Range writes, reads, file_reads;
  // The first round brings pages and blocks in; it is not counted.
  for (int round = 0; round < 2; ++round) {
    writes = reads = file_reads = Range{};
    each_pair([&](int inside, char* at) { through_pipe(writes, reads, inside, at); });
    each_pair([&](int inside, char* at) { from_file(file_reads, name, inside, at); });
  }
  unlink(name);
  print("pipe_write", writes);
  print("pipe_read", reads);
  print("file_read", file_reads);
  return 0;
}
