// SPDX-License-Identifier: MIT
#include "vellum/machine/elf.hpp"

#include <algorithm>

namespace vellum {

namespace {

constexpr usize header_bytes = 64, program_header_bytes = 56;
constexpr u16 executable = 2, riscv = 243;
constexpr u32 loadable = 1;

template <class T>
T number_at(std::span<const u8> file, u64 offset) {
  T value{};
  copy_bytes(&value, file.data() + offset, sizeof value);
  return value;
}

}  // namespace

std::string_view describe(ElfError error) {
  switch (error) {
    case ElfError::not_elf: return "not an ELF file";
    case ElfError::not_64_bit: return "a 32-bit ELF file; this machine has 64 bits";
    case ElfError::not_little_endian: return "a big-endian ELF file; this machine is little-endian";
    case ElfError::not_riscv: return "an ELF file for another architecture than RISC-V";
    case ElfError::not_executable:
      return "an ELF file, but not an executable (is it an object file, or a shared library?)";
    case ElfError::broken: return "an ELF file whose headers make no sense (is it cut off?)";
    case ElfError::outside_memory: return "an ELF file with a segment outside of this machine's memory";
  }
  return "";
}

std::expected<ElfImage, ElfError> read_elf(std::span<const u8> file) {
  if (file.size() < 20 || file[0] != 0x7f || file[1] != 'E' || file[2] != 'L' || file[3] != 'F') {
    return std::unexpected(ElfError::not_elf);
  }
  if (file[4] != 2) return std::unexpected(ElfError::not_64_bit);
  if (file[5] != 1) return std::unexpected(ElfError::not_little_endian);
  if (number_at<u16>(file, 18) != riscv) return std::unexpected(ElfError::not_riscv);
  if (number_at<u16>(file, 16) != executable) return std::unexpected(ElfError::not_executable);
  if (file.size() < header_bytes) return std::unexpected(ElfError::broken);
  ElfImage image;
  image.entry = number_at<u64>(file, 24);
  const u64 table = number_at<u64>(file, 32);
  const u64 entry_bytes = number_at<u16>(file, 54), count = number_at<u16>(file, 56);
  if (entry_bytes < program_header_bytes || table > file.size() || (file.size() - table) / entry_bytes < count) {
    return std::unexpected(ElfError::broken);
  }
  for (u64 i = 0; i < count; ++i) {
    const u64 at = table + i * entry_bytes;
    if (number_at<u32>(file, at) != loadable) continue;
    const ElfSegment segment{.physical_address = number_at<u64>(file, at + 24),
                             .offset = number_at<u64>(file, at + 8),
                             .file_bytes = number_at<u64>(file, at + 32),
                             .memory_bytes = number_at<u64>(file, at + 40)};
    if (segment.memory_bytes == 0) continue;
    if (segment.offset > file.size() || file.size() - segment.offset < segment.file_bytes ||
        segment.file_bytes > segment.memory_bytes || image.segment_count == ElfImage::max_segments) {
      return std::unexpected(ElfError::broken);
    }
    image.segments[image.segment_count++] = segment;
  }
  if (image.segment_count == 0) return std::unexpected(ElfError::broken);
  return image;
}

std::expected<void, ElfError> load_elf(std::span<const u8> file, const ElfImage& image, u64 base,
                                       std::span<u8> memory) {
  for (const ElfSegment& segment : std::span(image.segments, image.segment_count)) {
    const u64 offset = segment.physical_address - base;
    if (offset >= memory.size() || memory.size() - offset < segment.memory_bytes) {
      return std::unexpected(ElfError::outside_memory);
    }
    const auto to = memory.subspan(offset, segment.memory_bytes);
    copy_bytes(to.data(), file.data() + segment.offset, segment.file_bytes);
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(segment.file_bytes), to.end(), u8{0});
  }
  return {};
}

}  // namespace vellum
