// SPDX-License-Identifier: MIT
#include "lib/symbols.hpp"

#include <cstring>

namespace lib {
namespace {

constexpr usize header_size = sizeof(u32);
constexpr usize entry_size = 2 * sizeof(u32);

u32 read_u32(std::span<const u8> table, usize at) {
  u32 value;
  std::memcpy(&value, &table[at], sizeof value);
  return value;
}

}  // namespace

std::optional<Symbol> find_symbol(std::span<const u8> table, u64 kernel_offset) {
  if (table.size() < header_size) return std::nullopt;
  const usize count = read_u32(table, 0);
  if (count > (table.size() - header_size) / entry_size) return std::nullopt;

  // The last entry that starts at or before the address: `first` ends as the number of such entries.
  usize first = 0;
  usize last = count;
  while (first < last) {
    const usize middle = first + (last - first) / 2;
    if (read_u32(table, header_size + middle * entry_size) <= kernel_offset) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  if (first == 0) return std::nullopt;

  const usize entry = header_size + (first - 1) * entry_size;
  const usize name = read_u32(table, entry + sizeof(u32));
  if (name >= table.size()) return std::nullopt;
  const auto* text = reinterpret_cast<const char*>(&table[name]);
  usize length = 0;
  while (name + length < table.size() && text[length] != '\0') ++length;
  return Symbol{.name = {text, length}, .offset = kernel_offset - read_u32(table, entry)};
}

}  // namespace lib
