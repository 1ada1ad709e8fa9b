// SPDX-License-Identifier: MIT
#pragma once
// Looking at a page table.

#include <string_view>

#include "mm/address_space.hpp"

namespace mm {

/// How vmprint writes a line.
enum class TableFormat : u32 {
  by_index,  ///< `..0: pte 0x... pa 0x...`
  by_address,  ///< ` ..0x0000000000000000: pte 0x... pa 0x...`
};

/// Takes finished pieces of text.
struct TextSink {
  void (*put)(void* context, std::string_view text);
  void* context;
  /// Null, or whether it wants no more: then the rest need not be made.
  bool (*is_full)(void* context) = nullptr;

  [[nodiscard]] bool wants_more() const { return is_full == nullptr || !is_full(context); }
};

/// What the page table costs, and what a flat one would (the notes' question why three levels save memory).
struct TableFigures {
  u64 resident_pages;  ///< base pages mapped; a megapage counts 512
  u64 megapages;
  u64 table_frames;  ///< frames in tables and deposits
  u64 flat_frames;  ///< frames of a one-level table for the same 2^38 bytes
};

/// Writes the page table of a space (xv6: vmprint, kpgtbl).
void print_table(const AddressSpace& space, TableFormat format, TextSink sink);
[[nodiscard]] TableFigures figures_of(const AddressSpace& space);

}  // namespace mm
