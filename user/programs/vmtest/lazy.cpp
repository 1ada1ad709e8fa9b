// SPDX-License-Identifier: MIT
// Memory that appears at first touch: by the program, or by a system call on its behalf.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::is_killed;
using testing::look;
using testing::status_of;
using testing::touch;

constexpr int gibibyte = 1 << 30;

// lazytests: a gibibyte on a small machine; one page in 64 exists.
void sparse_gibibyte() {
  char* begin = grow_lazily(gibibyte);
  for (int i = page; i < gibibyte; i += 64 * page) *reinterpret_cast<char* volatile*>(begin + i) = begin + i;
  for (int i = page; i < gibibyte; i += 64 * page) EXPECT(*reinterpret_cast<char* volatile*>(begin + i) == begin + i);
}

// lazytests: what was given back is gone, in every part.
void sparse_gibibyte_unmapped() {
  char* begin = grow_lazily(gibibyte);
  for (int i = page; i < gibibyte; i += page * page) touch(begin + i, 1);
  for (int i = page; i < gibibyte; i += 8 * page * page) {
    EXPECT(is_killed([=] {
      EXPECT(sbrk(-gibibyte) != sbrk_failed);
      touch(begin + i, 2);
    }));
  }
}

// V1: fork and exit skip what is not there.
void fork_of_a_sparse_space() {
  char* begin = grow_lazily(gibibyte);
  touch(begin + gibibyte / 2, 7);
  const std::uint64_t frames = freeframes();
  EXPECT_EQ(status_of([=] {
              EXPECT_EQ(look(begin + gibibyte / 2), 7);
              EXPECT_EQ(look(begin + gibibyte / 4), 0);
              touch(begin + gibibyte - 1, 8);
              // A child costs its tables and what it touches, not what it could touch.
              EXPECT(frames - freeframes() < 64);
            }),
            0);
  EXPECT_EQ(look(begin + gibibyte - 1), 0);
}

void reads_are_zero_and_writes_stay() {
  char* begin = grow_lazily(64 * page);
  EXPECT(all_zero(begin, 64 * page));
  mark_pages(begin, 64, 3);
  EXPECT(has_marks(begin, 64, 3));
}

void untouched_costs_nothing() {
  sbrklazy(page);
  const std::uint64_t frames = freeframes();
  char* begin = grow_lazily(512 * mebibyte);
  EXPECT_EQ(freeframes(), frames);
  EXPECT_EQ(pgpte(begin + 4 * page), 0);
  touch(begin + 256 * mebibyte, 1);
  EXPECT(frames - freeframes() <= 3);  // the page and at most two tables
  EXPECT(pgpte(begin + 256 * mebibyte) != 0);
}

// V38: the machine is overcommitted; who touches too much dies, nobody else.
void toucher_dies() {
  EXPECT(is_killed([] {
    const std::uint64_t memory = freeframes() * page;
    char* begin = grow_lazily(gibibyte);
    for (std::uint64_t more = gibibyte; more <= memory; more += gibibyte) grow_lazily(gibibyte);
    for (std::uint64_t i = 0; i <= memory; i += page) touch(begin + i, 1);
  }));
  EXPECT_EQ(status_of([] {}), 0);
}

// V2: every call that reads or writes memory does it in memory that was never touched.
void calls_write_into_untouched_memory() {
  char* at = grow_lazily(64 * page);
  const auto fresh = [&at] { return at += page; };
  const int fd = open("/README", Mode::read_only);
  EXPECT(fd >= 0);
  EXPECT(read(fd, fresh() + page - 5, 10) == 10);  // across two pages
  at += page;
  auto* status = reinterpret_cast<abi::Stat*>(fresh());
  EXPECT_EQ(fstat(fd, status), 0);
  EXPECT(status->size > 0);
  close(fd);
  int* fds = reinterpret_cast<int*>(fresh());
  EXPECT_EQ(pipe(fds), 0);
  EXPECT_EQ(write(fds[1], "abc", 3), 3);
  char* text = fresh();
  EXPECT_EQ(read(fds[0], text, 3), 3);
  EXPECT_EQ(text[2], 'c');
  close(fds[0]), close(fds[1]);
  int* exit_status = reinterpret_cast<int*>(fresh());
  if (testing::fork_or_fail() == 0) exit(5);
  EXPECT(wait(exit_status) > 0);
  EXPECT_EQ(*exit_status, 5);
  auto* processes = reinterpret_cast<abi::ProcInfo*>(fresh());
  EXPECT(procinfo(processes, 3) == 3);
  auto* stat = reinterpret_cast<abi::VmStat*>(fresh());
  EXPECT_EQ(vmstat(stat, sizeof(*stat), -1), 0);
  EXPECT(stat->harts > 0);
}

void calls_read_from_untouched_memory() {
  char* at = grow_lazily(64 * page);
  const auto fresh = [&at] { return at += page; };
  const int fd = open("zeros", create_both);
  EXPECT_EQ(write(fd, fresh() + page - 5, 10), 10);
  at += page;
  close(fd);
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  EXPECT_EQ(write(fds[1], fresh(), 8), 8);
  char text[8];
  EXPECT_EQ(read(fds[0], text, 8), 8);
  EXPECT(all_zero(text, 8));
  close(fds[0]), close(fds[1]);
  // An untouched page is the empty name.
  EXPECT_EQ(open(fresh(), Mode::read_only) >= 0, open("", Mode::read_only) >= 0);
  EXPECT_EQ(mkdir(fresh()), -1);
  EXPECT_EQ(unlink(fresh()), -1);
  EXPECT_EQ(link(fresh(), fresh()), -1);
  EXPECT_EQ(mknod(fresh(), 1, 0), -1);
  chdir(fresh());
  char* name = fresh();
  auto** arguments = reinterpret_cast<char**>(fresh());
  EXPECT_EQ(exec(name, arguments), -1);
  EXPECT_EQ(status_of([&] {
              static char path[] = "/echo";
              close(1);
              EXPECT_EQ(open("zeros", Mode::write_only), 1);
              arguments[0] = fresh();
              exec(path, arguments);
            }),
            0);
  EXPECT_EQ(unlink("zeros"), 0);
}

// lazy_copy: the addresses above the break are no memory, lazy or not.
void calls_refuse_what_is_above() {
  for (const std::uint64_t address :
       {std::uint64_t{0x3fffffc000}, std::uint64_t{0x3fffffd000}, std::uint64_t{0x3fffffe000},
        std::uint64_t{0x3ffffff000}, std::uint64_t{0x4000000000}, std::uint64_t{0x8000000000}}) {
    const int in = open("/README", Mode::read_only);
    EXPECT(system_call(abi::Call::read, static_cast<std::uint64_t>(in), address, 512) < 0);
    close(in);
    const int out = open("out", create_both);
    EXPECT(system_call(abi::Call::write, static_cast<std::uint64_t>(out), address, 512) < 0);
    close(out);
  }
  EXPECT_EQ(unlink("out"), 0);
  EXPECT_EQ(open(grow_lazily(4 * page) + 2 * page, Mode::read_write), -1);
}

void shrinking_lazy_memory() {
  char* begin = align_break(page);
  grow_lazily(64 * page);
  touch(begin + 10 * page, 1);
  touch(begin + 50 * page, 1);
  sbrk(-32 * page);
  EXPECT_EQ(look(begin + 10 * page), 1);
  EXPECT(is_killed([=] { look(begin + 50 * page); }));
  EXPECT(is_killed([=] { look(begin + 40 * page); }));
  grow_lazily(32 * page);
  EXPECT_EQ(look(begin + 50 * page), 0);
}

// V23: lazily up to the very end, and not one page further.
void all_the_way_up() {
  char* begin = sbrk(0);
  std::uint64_t grown = 0;
  for (int step = gibibyte; step >= page; step /= 2)
    while (sbrklazy(step) != sbrk_failed) grown += static_cast<std::uint64_t>(step);
  const std::uint64_t top = as_word(sbrk(0));
  EXPECT(top > 200u * std::uint64_t{gibibyte} && top <= abi::usyscall);
  touch(sbrk(0) - 1, 1);
  EXPECT_EQ(ugetpid(), getpid());
  EXPECT(is_killed([] { touch(reinterpret_cast<char*>(abi::usyscall), 1); }));
  EXPECT_EQ(status_of([] { touch(sbrk(0) - 2, 1); }), 0);
  while (grown > 0) {
    const std::uint64_t step = grown > std::uint64_t{gibibyte} ? std::uint64_t{gibibyte} : grown;
    EXPECT(sbrk(-static_cast<int>(step)) != sbrk_failed);
    grown -= step;
  }
  EXPECT_EQ(as_word(sbrk(0)), as_word(begin));
}

// A range that is filled by touching holds what was written, whatever leaves carry it in the end.
void filled_megapage() {
  char* begin = align_break(abi::megapage_size);
  grow_lazily(megapage);
  mark_pages(begin, 512, 9);
  EXPECT(has_marks(begin, 512, 9));
  EXPECT_EQ(status_of([=] {
              EXPECT(has_marks(begin, 512, 9));
              mark_pages(begin, 512, 10);
              EXPECT(has_marks(begin, 512, 10));
            }),
            0);
  EXPECT(has_marks(begin, 512, 9));
  sbrk(-page);
  EXPECT(has_marks(begin, 511, 9));
}

}  // namespace

std::span<const testing::Test> lazy_tests() {
  static constexpr testing::Test tests[] = {
      {"sparse_gibibyte", sparse_gibibyte},
      {"sparse_gibibyte_unmapped", sparse_gibibyte_unmapped},
      {"fork_of_a_sparse_space", fork_of_a_sparse_space},
      {"reads_are_zero_and_writes_stay", reads_are_zero_and_writes_stay},
      {"untouched_costs_nothing", untouched_costs_nothing},
      {"toucher_dies", toucher_dies},
      {"calls_write_into_untouched_memory", calls_write_into_untouched_memory},
      {"calls_read_from_untouched_memory", calls_read_from_untouched_memory},
      {"calls_refuse_what_is_above", calls_refuse_what_is_above},
      {"shrinking_lazy_memory", shrinking_lazy_memory},
      {"all_the_way_up", all_the_way_up},
      {"filled_megapage", filled_megapage},
  };
  return tests;
}

}  // namespace vmtest
