// SPDX-License-Identifier: MIT
#include "boot/options.hpp"

namespace boot {

namespace {

/// The next word of `text`, which is shortened by it; empty at the end.
std::string_view take_word(std::string_view& text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return text = {};
  text.remove_prefix(begin);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

std::string_view key_of(std::string_view word) { return word.substr(0, word.find('=')); }

/// Whether a word with this key stands in front of `word`, which is a part of `words`.
bool was_given(std::string_view words, std::string_view word) {
  for (std::string_view rest = words;;) {
    const std::string_view earlier = take_word(rest);
    if (earlier.data() == word.data()) return false;
    if (key_of(earlier) == key_of(word)) return true;
  }
}

}  // namespace

const Option* find_option(std::span<const Option> table, std::string_view key) {
  for (const Option& option : table) {
    if (option.key == key) return &option;
  }
  return nullptr;
}

void read_options(std::string_view words, FindOption find, Complain complain) {
  for (std::string_view rest = words;;) {
    const std::string_view word = take_word(rest);
    if (word.empty()) return;
    const std::string_view key = key_of(word);
    const Option* const option = find(key);
    if (option == nullptr) {
      complain(word, "unknown", {});
    } else if (was_given(words, word)) {
      complain(word, "given before", {});
    } else if (word.size() == key.size() || !option->take(word.substr(key.size() + 1))) {
      complain(word, "takes", option->values);
    }
  }
}

std::optional<u32> parse_number(std::string_view digits, u32 base) {
  if (digits.starts_with("0x")) {
    digits.remove_prefix(2);
    base = 16;
  }
  if (digits.empty() || digits.size() > 8) return std::nullopt;
  u32 value = 0;
  for (const char c : digits) {
    u32 digit = base;
    if (c >= '0' && c <= '9') digit = static_cast<u32>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<u32>(c - 'a') + 10;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

}  // namespace boot
