// SPDX-License-Identifier: MIT
#include "process/elf.hpp"

#include "abi/layout.hpp"

namespace process {

namespace {

constexpr u8 class_64_bit = 2;
constexpr u8 little_endian = 1;
// xv6 looks at neither type nor machine. Linkers that make position-independent files call them `dynamic`, also those
// that need no relocation; assemblers of one's own leave the machine 0. What is another machine's is told as such.
constexpr u16 type_executable = 2, type_dynamic = 3;
constexpr u16 machine_none = 0;

constexpr bool is_program(const abi::ElfHeader& header) {
  return (header.type == type_executable || header.type == type_dynamic) &&
         (header.machine == abi::elf_machine_riscv || header.machine == machine_none);
}

constexpr std::unexpected<lib::Error> unfit{lib::Error::not_executable};

/// True when [offset, offset + size) lies in a file of `file_size` bytes; no sum is formed that could wrap.
constexpr bool lies_within(u64 offset, u64 size, u64 file_size) {
  return offset <= file_size && size <= file_size - offset;
}

constexpr u64 page_ceil(u64 value) { return (value + abi::page_size - 1) & ~(abi::page_size - 1); }

}  // namespace

lib::Result<ProgramHeaderTable> parse_elf_header(const abi::ElfHeader& header, u64 file_size) {
  if (header.magic != abi::elf_magic || header.elf_class != class_64_bit || header.data_encoding != little_endian ||
      !is_program(header)) {
    return unfit;
  }
  if (header.program_header_size != sizeof(abi::ProgramHeader)) return unfit;
  if (header.program_header_count == 0 || header.program_header_count > max_program_headers) return unfit;
  const u64 table_size = u64{header.program_header_count} * sizeof(abi::ProgramHeader);
  if (!lies_within(header.program_header_offset, table_size, file_size)) return unfit;
  return ProgramHeaderTable{header.program_header_offset, header.program_header_count, header.entry};
}

lib::Result<void> add_program_header(ImagePlan& plan, const abi::ProgramHeader& header, u64 file_size) {
  if (header.type != abi::SegmentType::load || header.memory_size == 0) return {};
  if (header.file_size > header.memory_size) return unfit;
  if (!lies_within(header.offset, header.file_size, file_size)) return unfit;
  if (header.virtual_address % abi::page_size != 0) return unfit;
  if (!lies_within(header.virtual_address, header.memory_size, max_image_end)) return unfit;
  // Ascending and page-disjoint, so two segments can never ask for different rights on one page.
  if (plan.segment_count > 0 && header.virtual_address < plan.end) return unfit;
  if (plan.segment_count == max_segments) return unfit;

  plan.segments[plan.segment_count++] = Segment{
      .va = header.virtual_address,
      .memory_size = header.memory_size,
      .file_offset = header.offset,
      .file_size = header.file_size,
      .readable = (header.flags & abi::segment_read) != 0,
      .writable = (header.flags & abi::segment_write) != 0,
      .executable = (header.flags & abi::segment_execute) != 0,
  };
  plan.end = page_ceil(header.virtual_address + header.memory_size);
  return {};
}

lib::Result<void> finish_plan(ImagePlan& plan, u64 entry) {
  for (const Segment& segment : plan.loaded()) {
    if (segment.executable && entry >= segment.va && entry - segment.va < segment.memory_size) {
      plan.entry = entry;
      return {};
    }
  }
  return unfit;
}

}  // namespace process
