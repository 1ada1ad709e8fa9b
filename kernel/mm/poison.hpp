// SPDX-License-Identifier: MIT
#pragma once
// Debug builds fill freed frames with a pattern and check it when the frame is handed out again (the notes' junk fill,
// made useful): a write through a stale pointer or translation is found within one allocation.

#include "lib/types.hpp"
#include "sv39/address.hpp"

namespace mm {

/// An address that no table maps and that is not canonical: following it faults at once.
inline constexpr u64 poison_word = 0x5f5f5f5f5f5f5f5f;

inline void fill_page(void* page, u64 word) {
  u64* words = static_cast<u64*>(page);
  for (u64 i = 0; i < sv39::page_size / 8; ++i) words[i] = word;
}

[[nodiscard]] inline bool is_filled_with(const void* page, u64 word) {
  const u64* words = static_cast<const u64*>(page);
  for (u64 i = 0; i < sv39::page_size / 8; ++i) {
    if (words[i] != word) return false;
  }
  return true;
}

}  // namespace mm
