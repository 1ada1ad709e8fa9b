// SPDX-License-Identifier: MIT
#pragma once
// Builds ELF programs in memory as xv6's linker leaves them, as far as a reader of stubs can tell: one segment of code
// with a stub or a function at each symbol, a symbol table, its names, and the section headers at the end.

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "abi/elf.hpp"
#include "labs/image_calls.hpp"

namespace labs_test {

/// How a stub loads its number.
enum class Load { shortest, four_bytes };

struct ProgramBuilder {
  std::vector<std::uint8_t> code;
  std::vector<abi::Symbol> symbols{abi::Symbol{}};
  std::string names = std::string(1, '\0');
  std::uint64_t code_address = 0;
  std::uint64_t code_offset = 0xb0;  // 2020's programs begin there, unaligned
  bool stripped = false;

  void word(std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) code.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  }

  void symbol(const std::string& name, std::uint64_t address) {
    symbols.push_back({.name = static_cast<std::uint32_t>(names.size()),
                       .info = 0x10,
                       .other = 0,
                       .section = 1,
                       .value = address,
                       .size = 0});
    names += name + '\0';
  }

  ProgramBuilder& stub(const std::string& name, std::uint32_t number, Load load = Load::shortest) {
    symbol(name, code_address + code.size());
    if (number < 32 && load == Load::shortest) {
      word(0x4881 | number << 2, 2);
    } else {
      word(0x893 | number << 20, 4);
    }
    word(0x73, 4);
    word(0x8082, 2);
    return *this;
  }

  ProgramBuilder& function(const std::string& name) {
    symbol(name, code_address + code.size());
    word(0x1141, 2);  // addi sp, sp, -16
    word(0x8082, 2);
    return *this;
  }

  /// The calls that every xv6 has.
  ProgramBuilder& base(const std::string& sleep = "pause", const std::string& sbrk = "sys_sbrk") {
    const char* const calls[] = {"fork",  "exit",  "wait",  "pipe",   "read",       "kill",        "exec",
                                 "fstat", "chdir", "dup",   "getpid", sbrk.c_str(), sleep.c_str(), "uptime",
                                 "open",  "write", "mknod", "unlink", "link",       "mkdir",       "close"};
    function("main").function("printf").function("strcmp");
    std::uint32_t number = 0;
    for (const char* call : calls) stub(call, ++number);
    return *this;
  }

  [[nodiscard]] std::vector<std::uint8_t> build() const {
    std::vector<std::uint8_t> file(code_offset + code.size());
    const auto append = [&](const void* from, std::size_t bytes) {
      const std::size_t at = file.size();
      file.resize(at + bytes);
      if (bytes != 0) std::memcpy(file.data() + at, from, bytes);
      return at;
    };
    std::memcpy(file.data() + code_offset, code.data(), code.size());
    const std::size_t symbols_at = append(symbols.data(), symbols.size() * sizeof(abi::Symbol));
    const std::size_t names_at = append(names.data(), names.size());
    abi::SectionHeader sections[3] = {};
    sections[1].type = abi::SectionType::symbols;
    sections[1].offset = symbols_at;
    sections[1].size = symbols.size() * sizeof(abi::Symbol);
    sections[1].link = 2;
    sections[2].type = abi::SectionType::strings;
    sections[2].offset = names_at;
    sections[2].size = names.size();
    const std::size_t sections_at = append(sections, stripped ? sizeof sections[0] : sizeof sections);

    abi::ElfHeader header{};
    header.magic = abi::elf_magic;
    header.elf_class = 2;
    header.data_encoding = 1;
    header.type = 2;
    header.machine = abi::elf_machine_riscv;
    header.program_header_offset = sizeof header;
    header.program_header_size = sizeof(abi::ProgramHeader);
    header.program_header_count = 1;
    header.section_header_offset = sections_at;
    header.section_header_size = sizeof(abi::SectionHeader);
    header.section_header_count = stripped ? 1 : 3;
    abi::ProgramHeader segment{};
    segment.type = abi::SegmentType::load;
    segment.flags = abi::segment_read | abi::segment_execute;
    segment.offset = code_offset;
    segment.virtual_address = code_address;
    segment.file_size = segment.memory_size = code.size();
    std::memcpy(file.data(), &header, sizeof header);
    std::memcpy(file.data() + sizeof header, &segment, sizeof segment);
    return file;
  }
};

/// A file in memory. `reads` counts how often it was read.
struct MemoryFile {
  std::vector<std::uint8_t> bytes;
  std::uint64_t reads = 0;

  lab::FileBytes view() {
    const auto read = [](void* context, u64 offset, std::span<std::byte> into) -> usize {
      auto& file = *static_cast<MemoryFile*>(context);
      ++file.reads;
      if (offset >= file.bytes.size()) return 0;
      const usize count = std::min<usize>(into.size(), file.bytes.size() - offset);
      std::memcpy(into.data(), file.bytes.data() + offset, count);
      return count;
    };
    return {read, this};
  }
};

}  // namespace labs_test
