// SPDX-License-Identifier: MIT
#include "vellum/debug/elf.hpp"

#include <algorithm>

namespace vellum::debug {
namespace {

constexpr u32 magic = 0x464c'457f;
constexpr u8 class_64 = 2;
constexpr u8 little_endian = 1;
constexpr u32 nobits = 8;             // SHT_NOBITS
constexpr u64 compressed = 0x800;     // SHF_COMPRESSED
constexpr u16 number_elsewhere = 0xffff;  // SHN_XINDEX
constexpr u32 load = 1;               // PT_LOAD
constexpr usize section_header_size = 64;
constexpr usize program_header_size = 56;

/// Whether a table of `count` headers lies in the file.
bool fits(Bytes file, u64 offset, u64 count, u64 size) {
  return offset <= file.size() && count <= (file.size() - offset) / std::max<u64>(size, 1);
}

}  // namespace

Result<Elf> Elf::open(Bytes file) {
  Elf elf;
  elf.file_ = file;
  Reader in(file, {});
  if (in.word() != magic) return fail("not an ELF file");
  if (in.byte() != class_64) return fail("an ELF file, but not a 64-bit one");
  if (in.byte() != little_endian) return fail("an ELF file, but not a little-endian one");
  in.skip(10 + 2);  // the rest of e_ident, e_type
  elf.machine_ = in.half();
  in.skip(4);  // e_version
  elf.entry_ = in.giant();
  elf.segment_table_ = in.giant();
  elf.section_table_ = in.giant();
  in.skip(4 + 2);  // e_flags, e_ehsize
  elf.segment_size_ = in.half();
  elf.segment_count_ = in.half();
  elf.section_size_ = in.half();
  elf.section_count_ = in.half();
  elf.names_ = in.half();
  if (!in.ok()) return fail("an ELF file that is cut off in its header");

  if (elf.section_table_ != 0) {
    if (elf.section_size_ < section_header_size) return fail("the ELF file's section headers are too small");
    if (!fits(file, elf.section_table_, 1, elf.section_size_)) {
      return fail("the ELF file is cut off: its section headers are missing");
    }
    // Numbers that do not fit into 16 bits stand in section 0.
    Reader first = elf.header_of_section(0);
    first.skip(32);
    const u64 count = first.giant();
    const u32 names = first.word();
    if (elf.section_count_ == 0) elf.section_count_ = count;
    if (elf.names_ == number_elsewhere) elf.names_ = names;
    if (!fits(file, elf.section_table_, elf.section_count_, elf.section_size_)) {
      return fail("the ELF file is cut off: some of its section headers are missing");
    }
  } else {
    elf.section_count_ = 0;
  }
  if (elf.segment_count_ != 0 && (elf.segment_size_ < program_header_size ||
                                  !fits(file, elf.segment_table_, elf.segment_count_, elf.segment_size_))) {
    return fail("the ELF file's program headers are not in it");
  }
  return elf;
}

Reader Elf::header_of_section(usize index) const { return Reader(file_, {}, section_table_ + index * section_size_); }

Result<Section> Elf::section(usize index) const {
  if (index >= section_count_) return fail("a section number that the ELF file does not have");
  Reader in = header_of_section(index);
  const u32 name = in.word();
  Section section;
  section.type = in.word();
  section.flags = in.giant();
  section.address = in.giant();
  const u64 offset = in.giant();
  section.size = in.giant();
  section.link = in.word();
  in.skip(4 + 8);  // sh_info, sh_addralign
  section.entry_size = in.giant();
  if (!in.ok()) return fail("a section header is cut off");

  if (names_ < section_count_) {
    Reader names = header_of_section(names_);
    names.skip(24);
    const u64 at = names.giant();
    const u64 size = names.giant();
    if (names.ok() && fits(file_, at, size, 1)) {
      if (const auto text = string_at(file_.subspan(at, size), name)) section.name = *text;
    }
  }
  if (section.type == nobits || section.type == 0) return section;
  if (!fits(file_, offset, section.size, 1)) return fail("the section's contents are not in the file", section.name);
  section.bytes = file_.subspan(offset, section.size);
  return section;
}

Result<std::optional<Section>> Elf::find(std::string_view name) const {
  for (usize i = 0; i < section_count_; ++i) {
    const auto found = section(i);
    if (!found) {
      if (found.error().section == name) return std::unexpected(found.error());
      continue;
    }
    if (found->name != name) continue;
    if (found->flags & compressed) {
      return fail("the section is compressed; objcopy --decompress-debug-sections undoes that", found->name);
    }
    return *found;
  }
  return std::nullopt;
}

Result<std::optional<Segment>> Elf::segment(usize index) const {
  if (index >= segment_count_) return fail("a program header that the ELF file does not have");
  Reader in(file_, {}, segment_table_ + index * segment_size_);
  if (in.word() != load) return std::nullopt;
  in.skip(4);
  const u64 offset = in.giant();
  Segment segment;
  segment.virtual_address = in.giant();
  segment.physical_address = in.giant();
  const u64 size = in.giant();
  segment.size = in.giant();
  if (!in.ok() || !fits(file_, offset, size, 1) || size > segment.size) {
    return fail("a program header asks for bytes that are not in the file");
  }
  segment.bytes = file_.subspan(offset, size);
  return segment;
}

Bytes Elf::loaded(u64 address, u64 length) const {
  for (usize i = 0; i < segment_count_; ++i) {
    const auto part = segment(i);
    if (!part || !*part) continue;
    const Segment& found = **part;
    if (address < found.virtual_address || address - found.virtual_address >= found.bytes.size()) continue;
    const u64 offset = address - found.virtual_address;
    return found.bytes.subspan(offset, std::min<u64>(length, found.bytes.size() - offset));
  }
  return {};
}

}  // namespace vellum::debug
