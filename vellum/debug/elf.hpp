// SPDX-License-Identifier: MIT
#pragma once
// ELF: the sections, segments and symbols of a linked 64-bit little-endian file.

#include <optional>

#include "vellum/debug/reader.hpp"

namespace vellum::debug {

inline constexpr u16 machine_riscv = 243;

struct Section {
  std::string_view name;
  u32 type = 0;
  u64 flags = 0;
  u64 address = 0;
  u64 size = 0;
  u32 link = 0;
  u64 entry_size = 0;
  Bytes bytes;  // empty for what takes no room in the file (.bss)

  [[nodiscard]] bool is_loaded() const { return flags & 2; }  // SHF_ALLOC
  [[nodiscard]] bool is_code() const { return flags & 4; }    // SHF_EXECINSTR
};

/// A part of the file that a loader puts into memory (PT_LOAD).
struct Segment {
  u64 virtual_address = 0;
  u64 physical_address = 0;
  u64 size = 0;  // in memory; what the file does not have is 0
  Bytes bytes;
};

/// An ELF file that lies in the caller's memory.
class Elf {
 public:
  /// Checks the headers' places. Errors: not ELF, another class or byte order, headers outside the file.
  [[nodiscard]] static Result<Elf> open(Bytes file);

  /// e_machine: 243 is RISC-V.
  [[nodiscard]] u16 machine() const { return machine_; }
  [[nodiscard]] u64 entry() const { return entry_; }

  [[nodiscard]] usize section_count() const { return section_count_; }
  /// Errors: the section's contents or name lie outside the file.
  [[nodiscard]] Result<Section> section(usize index) const;
  /// Nothing when no section has that name. Errors: it has contents that cannot be read as they are (outside the file,
  /// compressed).
  [[nodiscard]] Result<std::optional<Section>> find(std::string_view name) const;

  [[nodiscard]] usize header_count() const { return segment_count_; }
  /// The program header at `index`; nothing when it is not of the kind that is loaded.
  [[nodiscard]] Result<std::optional<Segment>> segment(usize index) const;

  /// The bytes that the file loads at link address `address`, at most `length`; fewer at the end of a section.
  [[nodiscard]] Bytes loaded(u64 address, u64 length) const;

 private:
  [[nodiscard]] Reader header_of_section(usize index) const;

  Bytes file_;
  u16 machine_ = 0;
  u64 entry_ = 0;
  u64 section_table_ = 0;
  usize section_count_ = 0;
  usize section_size_ = 0;
  usize names_ = 0;  // which section holds the sections' names
  u64 segment_table_ = 0;
  usize segment_count_ = 0;
  usize segment_size_ = 0;
};

}  // namespace vellum::debug
