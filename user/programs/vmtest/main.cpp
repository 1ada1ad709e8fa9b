// SPDX-License-Identifier: MIT
// vmtest: memory, seen from a program: sbrk, lazy memory, copy-on-write, superpages, mmap, protection, user copies,
// counters, exhaustion and injected failures. After each test the free frames must be what they were and the
// kernel's invariant checker must find nothing. vmtest NAME...: only these. -l: the names. vmtest core: without those
// that need the labs' wing (BIFOLIUM_LABS).
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {

char* align_break(std::uint64_t alignment) {
  const std::uint64_t beyond = as_word(sbrk(0)) % alignment;
  if (beyond != 0) EXPECT(sbrk(static_cast<int>(alignment - beyond)) != sbrk_failed);
  return sbrk(0);
}

char* grow(int bytes) {
  char* begin = sbrk(bytes);
  EXPECT(begin != sbrk_failed);
  return begin;
}

char* grow_lazily(int bytes) {
  char* begin = sbrklazy(bytes);
  EXPECT(begin != sbrk_failed);
  return begin;
}

void shrink(std::uint64_t bytes) {
  constexpr std::uint64_t largest = std::uint64_t{1} << 30;
  for (std::uint64_t step; bytes > 0; bytes -= step) {
    step = bytes < largest ? bytes : largest;
    EXPECT(sbrk(-static_cast<int>(step)) != sbrk_failed);
  }
}

int part_of_memory(std::uint64_t numerator, std::uint64_t denominator, int most) {
  const std::uint64_t pages = freeframes() * numerator / denominator;
  const std::uint64_t most_pages = static_cast<std::uint64_t>(most / page);
  return static_cast<int>(pages < most_pages ? pages : most_pages) * page;
}

namespace {

volatile std::uint64_t* mark_place(const char* begin, int index) {
  const char* place = begin + std::int64_t{index} * page + 8 * (index % 512);
  return reinterpret_cast<volatile std::uint64_t*>(const_cast<char*>(place));
}

constexpr std::uint64_t mark_value(int index, int seed) {
  return 0x1000000u * static_cast<std::uint64_t>(seed) + static_cast<std::uint64_t>(index) + 1;
}

}  // namespace

void mark_page(char* begin, int index, int seed) { *mark_place(begin, index) = mark_value(index, seed); }

bool has_mark(const char* begin, int index, int seed) { return *mark_place(begin, index) == mark_value(index, seed); }

void mark_pages(char* begin, int pages, int seed) {
  for (int i = 0; i < pages; ++i) mark_page(begin, i, seed);
}

bool has_marks(const char* begin, int pages, int seed) {
  for (int i = 0; i < pages; ++i)
    if (!has_mark(begin, i, seed)) return false;
  return true;
}

bool all_zero(const char* begin, std::uint64_t bytes) {
  for (; bytes > 0 && as_word(begin) % 8 != 0; ++begin, --bytes)
    if (*begin != 0) return false;
  for (; bytes >= 8; begin += 8, bytes -= 8)
    if (*reinterpret_cast<const volatile std::uint64_t*>(begin) != 0) return false;
  for (; bytes > 0; ++begin, --bytes)
    if (*begin != 0) return false;
  return true;
}

namespace {
abi::VmStat now;
}

abi::VmStat counters() {
  EXPECT_EQ(vmstat(&now, sizeof(now), -1), 0);
  return now;
}

std::uint64_t gained(const abi::VmStat& before, abi::VmEvent event) {
  EXPECT_EQ(vmstat(&now, sizeof(now), -1), 0);
  return now[event] - before[event];
}

Gate::Gate() { EXPECT_EQ(pipe(fds_), 0); }

void Gate::open() { EXPECT_EQ(write(fds_[1], "x", 1), 1); }

void Gate::pass() {
  // Written before the read, so that the page is this process's own even when no memory is left for a copy.
  volatile char c = '\0';
  EXPECT_EQ(read(fds_[0], const_cast<char*>(&c), 1), 1);
}

void Gate::discard() {
  close(fds_[0]);
  close(fds_[1]);
}

Hog::Hog() {
  pid_ = testing::fork_or_fail();
  if (pid_ == 0) {
    begin_.pass();
    take_all_memory();
    full_.open();
    end_.pass();
    exit(0);
  }
}

void Hog::take() {
  begin_.open();
  full_.pass();
}

void Hog::release() {
  end_.open();
  EXPECT_EQ(wait(nullptr), pid_);
  begin_.discard();
  full_.discard();
  end_.discard();
}

std::uint64_t take_all_memory() {
  std::uint64_t pages = 0;
  for (const int step : {16 * mebibyte, mebibyte, page})
    while (sbrk(step) != sbrk_failed) pages += static_cast<std::uint64_t>(step / page);
  return pages;
}

}  // namespace vmtest

int main(int argc, char** argv) {
  using namespace vmtest;
  const std::span<const testing::Test> groups[] = {break_tests(),      lazy_tests(),         cow_tests(),
                                                   superpage_tests(),  file_mapping_tests(), anonymous_mapping_tests(),
                                                   protection_tests(), copy_tests(),         page_table_tests(),
                                                   counter_tests(),    exhaustion_tests(),   failure_tests(),
                                                   checker_tests(),    lab_tests()};
  constexpr std::size_t core_groups = std::size(groups) - 1;
  return testing::run_suite(groups, core_groups, testing::Invariants::checked, argc, argv);
}
