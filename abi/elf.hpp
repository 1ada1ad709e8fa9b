// SPDX-License-Identifier: MIT
#pragma once
// The part of ELF64 that the kernel reads (xv6: kernel/elf.h): what exec needs, and symbols. All of it is untrusted.

#include <cstdint>

namespace abi {

inline constexpr std::uint32_t elf_magic = 0x464c457f;  // "\x7f" "ELF", little endian
inline constexpr std::uint16_t elf_machine_riscv = 243;

struct ElfHeader {
  std::uint32_t magic;
  std::uint8_t elf_class;  ///< 2: 64-bit
  std::uint8_t data_encoding;  ///< 1: little endian
  std::uint8_t ident_rest[10];
  std::uint16_t type;  ///< 2: executable
  std::uint16_t machine;
  std::uint32_t version;
  std::uint64_t entry;
  std::uint64_t program_header_offset;
  std::uint64_t section_header_offset;
  std::uint32_t flags;
  std::uint16_t header_size;
  std::uint16_t program_header_size;
  std::uint16_t program_header_count;
  std::uint16_t section_header_size;
  std::uint16_t section_header_count;
  std::uint16_t section_name_index;
};

/// Only `load` is acted on; others are skipped, 0x70000003 (RISC-V attributes) comes first in xv6's programs.
enum class SegmentType : std::uint32_t { null = 0, load = 1 };

inline constexpr std::uint32_t segment_execute = 1;
inline constexpr std::uint32_t segment_write = 2;
inline constexpr std::uint32_t segment_read = 4;

struct ProgramHeader {
  SegmentType type;
  std::uint32_t flags;
  std::uint64_t offset;
  std::uint64_t virtual_address;
  std::uint64_t physical_address;
  std::uint64_t file_size;
  std::uint64_t memory_size;
  std::uint64_t alignment;
};

enum class SectionType : std::uint32_t { null = 0, symbols = 2, strings = 3 };

struct SectionHeader {
  std::uint32_t name;
  SectionType type;
  std::uint64_t flags;
  std::uint64_t address;
  std::uint64_t offset;
  std::uint64_t size;
  std::uint32_t link;  ///< of a symbol table: the section with its names
  std::uint32_t info;
  std::uint64_t alignment;
  std::uint64_t entry_size;
};

struct Symbol {
  std::uint32_t name;  ///< where its name begins among the names
  std::uint8_t info;
  std::uint8_t other;
  std::uint16_t section;  ///< 0: defined elsewhere
  std::uint64_t value;
  std::uint64_t size;
};

inline constexpr std::uint8_t symbol_type_mask = 0xf, function_symbol = 2;  ///< of Symbol::info

static_assert(sizeof(ElfHeader) == 64 && sizeof(ProgramHeader) == 56);
static_assert(sizeof(SectionHeader) == 64 && sizeof(Symbol) == 24);

}  // namespace abi
