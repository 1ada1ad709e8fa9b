// SPDX-License-Identifier: MIT
#pragma once
// vmtest's groups of tests, one file each, and what they share.

#include <span>

#include "abi/vmstat.hpp"
#include "user/testing/harness.hpp"

namespace vmtest {

std::span<const testing::Test> break_tests();
std::span<const testing::Test> lazy_tests();
std::span<const testing::Test> cow_tests();
std::span<const testing::Test> superpage_tests();
std::span<const testing::Test> file_mapping_tests();
std::span<const testing::Test> anonymous_mapping_tests();
std::span<const testing::Test> protection_tests();
std::span<const testing::Test> copy_tests();
std::span<const testing::Test> page_table_tests();
std::span<const testing::Test> counter_tests();
std::span<const testing::Test> exhaustion_tests();
std::span<const testing::Test> failure_tests();
std::span<const testing::Test> checker_tests();
std::span<const testing::Test> lab_tests();

using Mode = abi::OpenMode;
using abi::MapFlags;
using abi::Protection;
inline constexpr Mode create_both = Mode::create | Mode::read_write;
inline constexpr Protection read_write = Protection::read | Protection::write;

// Bits of an entry, as pgpte() gives it.
inline constexpr std::uint64_t valid = 1, readable = 2, writable = 4, executable = 8, user = 16;

inline constexpr int page = static_cast<int>(abi::page_size);
inline constexpr int megapage = static_cast<int>(abi::megapage_size);
inline constexpr int mebibyte = 1 << 20;

inline char* const sbrk_failed = reinterpret_cast<char*>(-1);
inline void* const mmap_failed = reinterpret_cast<void*>(-1);

inline std::uint64_t as_word(const volatile void* p) {
  return reinterpret_cast<std::uint64_t>(const_cast<const void*>(p));
}

// Moves the break up to the next multiple of `alignment` and returns it.
char* align_break(std::uint64_t alignment);

// Eager memory, or the test fails.
char* grow(int bytes);
char* grow_lazily(int bytes);

// Gives `bytes` back, in steps that sbrk can take.
void shrink(std::uint64_t bytes);

// This part of the free memory in bytes, whole pages, but `most` at most.
inline constexpr int gibibyte = 1 << 30;
int part_of_memory(std::uint64_t numerator, std::uint64_t denominator, int most = gibibyte);

// Writes (checks) one mark in each page: different in each page and for each seed.
void mark_page(char* begin, int index, int seed);
bool has_mark(const char* begin, int index, int seed);
void mark_pages(char* begin, int pages, int seed);
bool has_marks(const char* begin, int pages, int seed);

bool all_zero(const char* begin, std::uint64_t bytes);

abi::VmStat counters();
// What `event` gained since `before`.
std::uint64_t gained(const abi::VmStat& before, abi::VmEvent event);

// A one-time gate between processes that were forked after it was made.
class Gate {
 public:
  Gate();
  void open();  // lets one process through
  void pass();  // waits for that
  void discard();

 private:
  int fds_[2];
};

// A child which takes every frame there is when told to, and keeps it until it is released. It shares, as every child
// does, what its parent had when it was made: make it first to test memory that nobody shares.
class Hog {
 public:
  Hog();
  void take();  // returns when memory is gone
  void release();

 private:
  Gate begin_, full_, end_;
  int pid_;
};

// Takes all memory of the machine, page by page at the end. The number of pages.
std::uint64_t take_all_memory();

}  // namespace vmtest
