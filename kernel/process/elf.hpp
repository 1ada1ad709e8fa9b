// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <span>

#include "abi/elf.hpp"
#include "lib/result.hpp"
#include "lib/types.hpp"

// The ELF header validator. It sees only bytes and sizes, so it compiles on the host and is fuzzed there.
// Everything hostile is refused here, before exec allocates anything.
namespace process {

inline constexpr usize max_program_headers = 32;
inline constexpr usize max_segments = 8;
/// Highest address, one past the end, that a program image may reach. It bounds each segment and their sum
/// too.
inline constexpr u64 max_image_end = u64{128} << 20;

/// One loadable piece of a program. Addresses and sizes are bytes; `va` is page aligned, the file offset need
/// not be.
struct Segment {
  u64 va = 0;
  u64 memory_size = 0;
  u64 file_offset = 0;
  u64 file_size = 0;
  bool readable = false;
  bool writable = false;
  bool executable = false;
};

/// Where the program headers are, taken from a valid ELF header.
struct ProgramHeaderTable {
  u64 file_offset = 0;
  u32 count = 0;
  u64 entry = 0;
};

/// A program that passed every check: segments ascending by address, page-disjoint, entry inside an
/// executable one.
struct ImagePlan {
  std::array<Segment, max_segments> segments{};
  u32 segment_count = 0;
  u64 entry = 0;
  u64 end = 0;  ///< one past the highest page of any segment

  [[nodiscard]] std::span<const Segment> loaded() const { return {segments.data(), segment_count}; }
};

/// Checks magic, class, machine (RISC-V, or 0 for none), type (executable or dynamic) and the bounds of the program
/// header table against the file's size (bytes).
[[nodiscard]] lib::Result<ProgramHeaderTable> parse_elf_header(const abi::ElfHeader& header, u64 file_size);

/// Adds one program header to the plan; types other than LOAD and empty ones are skipped. An error when it is
/// unfit: it does not lie in the file, it wraps, it is not page aligned, it overlaps or precedes the segment
/// before it, or it reaches beyond max_image_end.
[[nodiscard]] lib::Result<void> add_program_header(ImagePlan& plan, const abi::ProgramHeader& header, u64 file_size);

/// Last check, when every program header was added: something to run, and the entry point in executable
/// memory.
[[nodiscard]] lib::Result<void> finish_plan(ImagePlan& plan, u64 entry);

}  // namespace process
