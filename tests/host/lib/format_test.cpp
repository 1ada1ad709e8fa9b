// SPDX-License-Identifier: MIT
// Strategy: format_to against snprintf for the formats that both know, over all widths and over the numbers at the
// edges of their types; then what only ours has (types of other layers, braces), buffers that are too small, and the
// console writer. That the number of fields is checked at compile time is shown by this file compiling.
#include "lib/format.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <string>

#include "lib/result.hpp"

namespace {

using lib::format_to;

std::string by_printf(const char* format, auto value) {
  char text[128];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

constexpr u64 edges[] = {0,   1,    9,          10,         15,           16,           255,
                         256, 4095, 0x80000000, 0xffffffff, u64{1} << 38, u64{1} << 63, ~u64{0}};

TEST(Format, NumbersAsPrintfWritesThem) {
  char buffer[128];
  for (const u64 n : edges) {
    EXPECT_EQ(format_to(buffer, "{}", n), by_printf("%llu", static_cast<unsigned long long>(n)));
    EXPECT_EQ(format_to(buffer, "{:x}", n), by_printf("%llx", static_cast<unsigned long long>(n)));
    EXPECT_EQ(format_to(buffer, "{:016x}", n), by_printf("%016llx", static_cast<unsigned long long>(n)));
    EXPECT_EQ(format_to(buffer, "{:22}", n), by_printf("%22llu", static_cast<unsigned long long>(n)));
    EXPECT_EQ(format_to(buffer, "{}", static_cast<i64>(n)), by_printf("%lld", static_cast<long long>(n)));
    EXPECT_EQ(format_to(buffer, "{:08}", static_cast<i64>(n)), by_printf("%08lld", static_cast<long long>(n)));
    EXPECT_EQ(format_to(buffer, "{}", static_cast<i32>(n)), by_printf("%d", static_cast<int>(n)));
    EXPECT_EQ(format_to(buffer, "{}", static_cast<u8>(n)), by_printf("%u", static_cast<unsigned>(static_cast<u8>(n))));
    EXPECT_EQ(format_to(buffer, "{:p}", n), by_printf("0x%016llx", static_cast<unsigned long long>(n)));
  }
}

TEST(Format, TextAndOtherTypes) {
  char buffer[64];
  EXPECT_EQ(format_to(buffer, "{}|{:6}|{}", "ab", std::string_view("cd"), 'e'), "ab|cd    |e");
  EXPECT_EQ(format_to(buffer, "{} {}", true, false), "true false");
  EXPECT_EQ(format_to(buffer, "{{{}}}", 5), "{5}");
  EXPECT_EQ(format_to(buffer, "{}", lib::Error::no_memory), "0");
  EXPECT_EQ(format_to(buffer, "nothing"), "nothing");
  int x = 0;
  EXPECT_TRUE(format_to(buffer, "{}", &x).starts_with("0x"));
}

TEST(Format, SmallBuffersAreCutAndTerminated) {
  for (std::size_t size = 0; size < 12; ++size) {
    std::string memory(16, '#');
    const std::string_view text = format_to(std::span<char>(memory.data(), size), "{}-{}", 12345, "xyz");
    EXPECT_EQ(text, std::string_view("12345-xyz").substr(0, size == 0 ? 0 : size - 1));
    if (size != 0) EXPECT_EQ(memory[text.size()], '\0');
    for (std::size_t i = size; i < memory.size(); ++i) EXPECT_EQ(memory[i], '#') << "nothing past the buffer";
  }
}

TEST(Format, PrintGoesToTheConsoleWriter) {
  static std::string seen;
  seen.clear();
  lib::print("lost\n");  // no console yet
  lib::set_console_writer([](std::string_view piece) { seen += piece; });
  lib::print("pid {} at {:x}\n", 7, 0x1234);
  lib::set_console_writer(nullptr);
  EXPECT_EQ(seen, "pid 7 at 1234\n");
}

TEST(Errors, EachHasWords) {
  for (u32 e = 0; e <= static_cast<u32>(lib::Error::not_supported); ++e) {
    EXPECT_NE(lib::describe(static_cast<lib::Error>(e)), "unknown error") << e;
  }
  EXPECT_EQ(lib::describe(static_cast<lib::Error>(10000)), "unknown error");
}

lib::Result<int> half(int n) {
  if (n % 2 != 0) return lib::fail(lib::Error::invalid_argument);
  return n / 2;
}
lib::Result<int> quarter(int n) { return half(LIB_TRY(half(n))); }
lib::Result<void> nothing(bool good) {
  if (!good) return lib::fail(lib::Error::io);
  return {};
}
lib::Result<int> both(bool good) {
  LIB_TRY(nothing(good));
  return 1;
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(12), 3);
  EXPECT_EQ(quarter(6).error(), lib::Error::invalid_argument);
  EXPECT_EQ(quarter(5).error(), lib::Error::invalid_argument);
  EXPECT_EQ(both(true), 1);
  EXPECT_EQ(both(false).error(), lib::Error::io);
}

}  // namespace
