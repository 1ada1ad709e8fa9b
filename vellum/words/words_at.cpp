// SPDX-License-Identifier: MIT
#include "vellum/words/words_at.hpp"

namespace vellum {

std::optional<u64> bytes_at(u64 address, u32 bytes, const WordAt& word_at) {
  if (address % bytes != 0) return std::nullopt;
  const auto word = word_at(address & ~u64{7});
  if (!word) return std::nullopt;
  const u64 value = *word >> 8 * (address % 8);
  return bytes == 8 ? value : value & ((u64{1} << 8 * bytes) - 1);
}

std::optional<std::string> text_at(u64 address, const WordAt& word_at) {
  constexpr usize longest = 40;
  std::string text;
  while (text.size() <= longest) {
    const auto letter = bytes_at(address + text.size(), 1, word_at);
    if (!letter || (*letter != 0 && (*letter < 0x20 || *letter > 0x7e))) return std::nullopt;
    if (*letter == 0) return text.empty() ? std::nullopt : std::optional(text);
    text += static_cast<char>(*letter);
  }
  return std::nullopt;
}

}  // namespace vellum
