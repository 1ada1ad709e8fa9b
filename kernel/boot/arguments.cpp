// SPDX-License-Identifier: MIT
#include "boot/arguments.hpp"

#include "boot/options.hpp"
#include "boot/wing.hpp"
#include "dev/machine.hpp"
#include "lib/format.hpp"
#include "process/memory_check.hpp"

namespace boot {

namespace {

using process::SbrkRule;

constinit Arguments given;

bool take_panic(std::string_view value) {
  if (value != "exit") return false;
  given.after_panic = AfterPanic::power_off;
  return true;
}

bool take_check(std::string_view value) {
  if (value == "exit") process::check_memory_after_each_exit();
  if (value == "call") process::let_programs_check();
  return value == "exit" || value == "call";
}

bool take_root(std::string_view value) {
  given.root = value;  // a part of the machine's plan, which stays
  return !value.empty();
}

bool take_sbrk(std::string_view value) {
  if (value == "guess") given.sbrk = SbrkRule::guess;
  if (value == "legacy") given.sbrk = SbrkRule::one_argument;
  if (value == "flagged") given.sbrk = SbrkRule::flagged;
  return given.sbrk.has_value();
}

bool take_stack(std::string_view value) {
  if (value == "1") given.stack_pages = 1;
  if (value == "2") given.stack_pages = 2;
  return given.stack_pages.has_value();
}

bool take_no_follow(std::string_view value) {
  given.no_follow_mask = parse_number(value, 16);
  return given.no_follow_mask.has_value();
}

constexpr Option core_options[] = {
    {"panic", "exit", take_panic}, {"check", "exit|call", take_check},  {"sbrk", "guess|legacy|flagged", take_sbrk},
    {"stack", "1|2", take_stack},  {"nofollow", "HEX", take_no_follow}, {"root", "N|ADDRESS", take_root},
};

const Option* find(std::string_view key) {
  const Option* option = find_option(core_options, key);
  for (const Wing& wing : wings()) {
    if (option == nullptr) option = find_option(wing.options, key);
  }
  return option;
}

void complain(std::string_view word, std::string_view why, std::string_view values) {
  lib::print("boot argument {} ignored: {}{}{}\n", word, why, values.empty() ? "" : " ", values);
}

}  // namespace

void read_arguments() { read_options(dev::machine().boot_arguments(), find, complain); }

const Arguments& arguments() { return given; }

void override_personality() {
  process::Personality chosen = process::personality();
  chosen.sbrk = given.sbrk.value_or(chosen.sbrk);
  chosen.stack_pages = given.stack_pages.value_or(chosen.stack_pages);
  chosen.no_follow_mask = given.no_follow_mask.value_or(chosen.no_follow_mask);
  process::set_personality(chosen);
}

}  // namespace boot
