// SPDX-License-Identifier: MIT
// The reader of boot arguments: which words it takes, and that it names every other one, once.
#include "boot/options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using boot::Option;

std::string colour;
std::optional<u32> number;
std::vector<std::string> complaints;

bool take_colour(std::string_view value) {
  if (value != "red" && value != "blue") return false;
  colour = value;
  return true;
}

bool take_number(std::string_view value) {
  number = boot::parse_number(value, 16);
  return number.has_value();
}

constexpr Option options[] = {{"colour", "red|blue", take_colour}, {"number", "HEX", take_number}};

void read(std::string_view words) {
  colour.clear();
  number.reset();
  complaints.clear();
  boot::read_options(
      words, [](std::string_view key) { return boot::find_option(options, key); },
      [](std::string_view word, std::string_view why, std::string_view values) {
        complaints.push_back(std::string(word) + ": " + std::string(why) + " " + std::string(values));
      });
}

TEST(BootOptions, AreTakenInAnyOrderAndWithAnySpaces) {
  read("  number=0x1f   colour=red ");
  EXPECT_EQ(colour, "red");
  EXPECT_EQ(number, 0x1fU);
  EXPECT_TRUE(complaints.empty());
  read("");
  EXPECT_TRUE(complaints.empty());
}

TEST(BootOptions, UnknownWordsAreNamed) {
  read("root=/dev/vda colour=blue quiet =");
  EXPECT_EQ(colour, "blue");
  EXPECT_EQ(complaints, (std::vector<std::string>{"root=/dev/vda: unknown ", "quiet: unknown ", "=: unknown "}));
}

TEST(BootOptions, TheFirstOfTwoCounts) {
  read("colour=red colour=blue colour=red");
  EXPECT_EQ(colour, "red");
  EXPECT_EQ(complaints, (std::vector<std::string>{"colour=blue: given before ", "colour=red: given before "}));
}

TEST(BootOptions, ValuesThatMeanNothingAreRefused) {
  read("colour=green number=123456789 ");
  EXPECT_EQ(colour, "");
  EXPECT_EQ(number, std::nullopt);
  EXPECT_EQ(complaints, (std::vector<std::string>{"colour=green: takes red|blue", "number=123456789: takes HEX"}));
  read("colour number=");
  EXPECT_EQ(complaints, (std::vector<std::string>{"colour: takes red|blue", "number=: takes HEX"}));
}

TEST(BootOptions, Numbers) {
  EXPECT_EQ(boot::parse_number("2025", 10), 2025U);
  EXPECT_EQ(boot::parse_number("804", 16), 0x804U);
  EXPECT_EQ(boot::parse_number("ffffffff", 16), 0xffffffffU);
  for (const char* text : {"", "0x", "2a", "-1", " 1", "1 ", "123456789"}) {
    EXPECT_EQ(boot::parse_number(text, 10), std::nullopt) << text;
  }
}

}  // namespace
