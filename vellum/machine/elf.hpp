// SPDX-License-Identifier: MIT
#pragma once
// Puts a kernel's ELF file into memory.

#include <expected>
#include <span>
#include <string_view>

#include "vellum/isa/types.hpp"

namespace vellum {

enum class ElfError : u8 { not_elf, not_64_bit, not_little_endian, not_riscv, not_executable, broken, outside_memory };

/// The error in words, for people.
std::string_view describe(ElfError error);

/// One part of the file that goes to memory: `file_bytes` from `offset`, then zeros up to `memory_bytes`.
struct ElfSegment {
  u64 physical_address, offset, file_bytes, memory_bytes;
};

/// What an executable for this machine says of itself.
struct ElfImage {
  static constexpr usize max_segments = 16;
  u64 entry = 0;
  usize segment_count = 0;
  ElfSegment segments[max_segments]{};
};

/// Reads the headers of a file; every number in it is checked against its length.
std::expected<ElfImage, ElfError> read_elf(std::span<const u8> file);

/// Copies the segments into memory whose first byte has the physical address `base`.
std::expected<void, ElfError> load_elf(std::span<const u8> file, const ElfImage& image, u64 base, std::span<u8> memory);

}  // namespace vellum
