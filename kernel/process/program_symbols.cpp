// SPDX-License-Identifier: MIT
#include "process/program_symbols.hpp"

#include <algorithm>
#include <cstring>

#include "fs/volume.hpp"

namespace process {

namespace {

// Bounds for what a hostile file can make us read.
constexpr u32 most_sections = 128;
constexpr u32 most_segments = 32;
constexpr u64 most_symbols = 8192;

template <typename Value>
bool read_value(fs::Inode& file, u64 offset, Value& value) {
  const auto got = file.read_at(offset, std::as_writable_bytes(std::span(&value, 1)));
  return got && *got == sizeof value;
}

bool add_fits(u64 a, u64 b) { return b <= ~a; }

}  // namespace

ProgramSymbols::ProgramSymbols(const Process& process, u64 address) {
  std::array<char, abi::process_name_size + 1> path{'/'};
  const std::string_view name = process.program();
  std::copy(name.begin(), name.end(), path.begin() + 1);
  for (const usize skip : {usize{1}, usize{0}}) {
    open(process, std::string_view(path.data(), name.size() + 1).substr(skip), address);
    if (available()) return;
  }
}

void ProgramSymbols::open(const Process& process, std::string_view path, u64 address) {
  auto found = fs::root_volume().find(process.current_directory, path);
  if (!found) return;
  file_ = std::move(*found);
  abi::ElfHeader header;
  if (file_->type() != abi::FileType::file || !read_value(*file_, 0, header) || header.magic != abi::elf_magic) return;
  if (holds_code(process, header, address)) find_tables(header);
}

bool ProgramSymbols::holds_code(const Process& process, const abi::ElfHeader& header, u64 address) const {
  using Code = std::array<u8, 8>;
  for (u32 i = 0; i < std::min<u32>(header.program_header_count, most_segments); ++i) {
    abi::ProgramHeader segment;
    if (!add_fits(header.program_header_offset, i * sizeof segment)) return false;
    if (!read_value(*file_, header.program_header_offset + i * sizeof segment, segment)) return false;
    const u64 from_begin = address - segment.virtual_address;
    if (segment.type != abi::SegmentType::load || from_begin >= segment.file_size) continue;
    Code loaded{}, in_file{};
    const usize bytes = std::min<u64>(sizeof loaded, segment.file_size - from_begin);
    const auto copied = process.memory->copy_in(loaded.data(), sv39::VirtAddr(address), bytes);
    if (!copied.ok() || !add_fits(segment.offset, from_begin)) return false;
    const auto read =
        file_->read_at(segment.offset + from_begin, std::as_writable_bytes(std::span(in_file)).first(bytes));
    return read && *read == bytes && loaded == in_file;
  }
  return false;
}

void ProgramSymbols::find_tables(const abi::ElfHeader& header) {
  const u32 count = std::min<u32>(header.section_header_count, most_sections);
  const auto read_section = [&](u32 index, abi::SectionHeader& section) {
    return index < count && add_fits(header.section_header_offset, index * sizeof section) &&
           read_value(*file_, header.section_header_offset + index * sizeof section, section);
  };
  for (u32 i = 0; i < count; ++i) {
    abi::SectionHeader section, strings;
    if (!read_section(i, section)) return;
    if (section.type != abi::SectionType::symbols || section.entry_size != sizeof(abi::Symbol)) continue;
    if (!read_section(section.link, strings) || strings.type != abi::SectionType::strings) return;
    if (!add_fits(section.offset, section.size) || !add_fits(strings.offset, strings.size)) return;
    symbols_ = section.offset;
    symbol_count_ = std::min(section.size / sizeof(abi::Symbol), most_symbols);
    strings_ = strings.offset;
    strings_size_ = strings.size;
    return;
  }
}

std::optional<ProgramSymbols::Name> ProgramSymbols::find(u64 address) const {
  std::array<abi::Symbol, 16> some;
  abi::Symbol best{};
  for (u64 done = 0; done < symbol_count_;) {
    const auto wanted = std::span(some).first(std::min<u64>(some.size(), symbol_count_ - done));
    const auto got = file_->read_at(symbols_ + done * sizeof(abi::Symbol), std::as_writable_bytes(wanted));
    if (!got || *got != wanted.size_bytes()) return std::nullopt;
    for (const abi::Symbol& symbol : wanted) {
      if ((symbol.info & abi::symbol_type_mask) != abi::function_symbol || symbol.value > address) continue;
      if (best.info == 0 || symbol.value > best.value) best = symbol;
    }
    done += wanted.size();
  }
  if (best.info == 0 || (best.size != 0 && address - best.value >= best.size)) return std::nullopt;
  return name_of(best, address);
}

ProgramSymbols::Name ProgramSymbols::name_of(const abi::Symbol& symbol, u64 address) const {
  Name name{};
  name.offset = address - symbol.value;
  if (symbol.name >= strings_size_) return name;
  const auto room = std::as_writable_bytes(std::span(name.text))
                        .first(std::min<u64>(name.text.size() - 1, strings_size_ - symbol.name));
  const auto got = file_->read_at(strings_ + symbol.name, room);
  if (!got) return name;
  while (name.length < *got && name.text[name.length] != '\0') {
    char& letter = name.text[name.length++];
    if (letter <= ' ' || letter > '~') letter = '?';
  }
  return name;
}

}  // namespace process
