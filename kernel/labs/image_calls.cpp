// SPDX-License-Identifier: MIT
#include "labs/image_calls.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "abi/elf.hpp"

namespace lab {

namespace {

struct KnownName {
  std::string_view name;
  u8 base_number;  // of a call that has the same number in every year; 0: the labs'
};

// In the order of the alphabet. Place 0 stands for "no stub".
constexpr KnownName known_names[] = {
    {"", 0},          {"bind", 0},     {"chdir", 9},     {"close", 21},     {"connect", 0},  {"cpupin", 0},
    {"dup", 10},      {"exec", 7},     {"exit", 2},      {"fork", 1},       {"fstat", 8},    {"getpid", 11},
    {"interpose", 0}, {"kill", 6},     {"kpgtbl", 0},    {"ksupernpte", 0}, {"link", 19},    {"mkdir", 20},
    {"mknod", 17},    {"mmap", 0},     {"munmap", 0},    {"open", 15},      {"pause", 13},   {"pgaccess", 0},
    {"pgpte", 0},     {"pipe", 4},     {"read", 5},      {"recv", 0},       {"rwlktest", 0}, {"sbrk", 12},
    {"send", 0},      {"sigalarm", 0}, {"sigreturn", 0}, {"sleep", 13},     {"symlink", 0},  {"sync", 0},
    {"sys_sbrk", 12}, {"sysinfo", 0},  {"trace", 0},     {"unbind", 0},     {"unlink", 18},  {"uptime", 14},
    {"vmprint", 0},   {"wait", 3},     {"write", 16},
};
constexpr u8 strange_name = 255;

static_assert(std::ranges::is_sorted(known_names, {}, &KnownName::name) && std::size(known_names) < strange_name);

constexpr usize longest_name = 16;  // longer than any that is known, with its NUL
constexpr u32 most_sections = 256;
constexpr u64 most_symbols = 8192;
constexpr u64 call_numbers = 128;

/// The part of a file that was read last. Tables are read from front to back, so few reads do.
class Window {
 public:
  explicit Window(const FileBytes& file) : file_(file) {}

  /// The bytes at `offset`: `count` of them, or fewer at the end of the file.
  std::span<const std::byte> at(u64 offset, usize count) {
    if (offset < begin_ || offset - begin_ > valid_ || valid_ - (offset - begin_) < count) {
      begin_ = offset;
      valid_ = file_.read(file_.context, offset, bytes_);
    }
    const usize skipped = static_cast<usize>(offset - begin_);
    return std::span(bytes_).subspan(skipped, std::min(count, valid_ - skipped));
  }

  template <typename T>
  std::optional<T> record(u64 offset) {
    const auto found = at(offset, sizeof(T));
    if (found.size() != sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, found.data(), sizeof value);
    return value;
  }

 private:
  u64 begin_ = 0;  // first, so that the stack check does not take the file's function for a virtual one
  usize valid_ = 0;
  const FileBytes& file_;
  std::array<std::byte, 512> bytes_;
};

/// offset + index * size, unless that wraps.
std::optional<u64> element(u64 offset, u64 index, u64 size) {
  u64 distance = 0, place = 0;
  if (__builtin_mul_overflow(index, size, &distance) || __builtin_add_overflow(offset, distance, &place)) return {};
  return place;
}

/// The number in `li a7, N; ecall; ret`, in any of its encodings; nothing if the code is something else.
std::optional<u64> number_of_stub(std::span<const std::byte> code) {
  const auto half = [&](usize at) -> u32 {
    if (at + 2 > code.size()) return 0;
    return std::to_integer<u32>(code[at]) | std::to_integer<u32>(code[at + 1]) << 8;
  };
  const auto word = [&](usize at) { return half(at) | half(at + 2) << 16; };
  constexpr u32 c_li_a7 = 0x4881, c_li_mask = 0xff83;  // c.li a7, 0..31: the sign bit is among those that are 0
  constexpr u32 li_a7 = 0x00893, li_mask = 0xfffff;  // addi a7, x0, imm
  constexpr u32 ecall = 0x00000073, c_ret = 0x8082, ret = 0x00008067;
  usize at = 0;
  u64 number = 0;
  if ((half(0) & c_li_mask) == c_li_a7) {
    number = half(0) >> 2 & 31;
    at = 2;
  } else if ((word(0) & li_mask) == li_a7) {
    number = word(0) >> 20;
    at = 4;
  } else {
    return {};
  }
  if (word(at) != ecall) return {};
  if (half(at + 4) != c_ret && word(at + 4) != ret) return {};
  return number;
}
constexpr usize longest_stub = 12;

/// A program's symbols, each with its name and the code it stands at.
class ProgramSymbols {
 public:
  explicit ProgramSymbols(const FileBytes& file) : tables_(file), names_(file), code_(file) {}

  std::optional<StubProblem> open() {
    const auto header = tables_.record<abi::ElfHeader>(0);
    constexpr u8 class_64_bit = 2;
    if (!header || header->magic != abi::elf_magic || header->elf_class != class_64_bit ||
        header->machine != abi::elf_machine_riscv || header->program_header_size != sizeof(abi::ProgramHeader)) {
      return StubProblem::not_elf;
    }
    if (!find_code(*header)) return StubProblem::damaged;
    return find_symbols(*header);
  }

  [[nodiscard]] u64 count() const { return symbols_.size / sizeof(abi::Symbol); }

  /// Nothing if the file ends before it.
  std::optional<abi::Symbol> at(u64 index) {
    return tables_.record<abi::Symbol>(symbols_.offset + index * sizeof(abi::Symbol));
  }

  /// Empty for what is not defined in this program, or has no name; cut off when it is longer than any known one.
  std::string_view name_of(const abi::Symbol& symbol) {
    const auto place = element(strings_.offset, 1, symbol.name);
    if (symbol.section == 0 || !place || symbol.name >= strings_.size) return {};
    const auto bytes = names_.at(*place, longest_name);
    const char* const text = reinterpret_cast<const char*>(bytes.data());
    return {text, strnlen(text, bytes.size())};
  }

  /// Up to `bytes` bytes of code at the symbol; none if it stands in no code.
  std::span<const std::byte> code_of(const abi::Symbol& symbol, usize bytes) {
    for (const Code& code : code_pieces_) {
      if (symbol.value < code.address || symbol.value - code.address >= code.size) continue;
      const auto place = element(code.offset, 1, symbol.value - code.address);
      return place ? code_.at(*place, bytes) : std::span<const std::byte>{};
    }
    return {};
  }

 private:
  struct Code {
    u64 address = 0, offset = 0, size = 0;
  };

  /// What the program executes, by its program headers.
  bool find_code(const abi::ElfHeader& header) {
    constexpr u32 most_segments = 16;
    usize found = 0;
    for (u32 i = 0; i < std::min<u32>(header.program_header_count, most_segments); ++i) {
      const auto place = element(header.program_header_offset, i, sizeof(abi::ProgramHeader));
      const auto segment = place ? tables_.record<abi::ProgramHeader>(*place) : std::nullopt;
      if (!segment) return false;
      if (segment->type != abi::SegmentType::load || (segment->flags & abi::segment_execute) == 0) continue;
      if (found == code_pieces_.size()) break;
      code_pieces_[found++] = {segment->virtual_address, segment->offset, segment->file_size};
    }
    return true;
  }

  std::optional<abi::SectionHeader> section(const abi::ElfHeader& header, u32 index) {
    if (index >= header.section_header_count) return {};
    const auto place = element(header.section_header_offset, index, sizeof(abi::SectionHeader));
    return place ? tables_.record<abi::SectionHeader>(*place) : std::nullopt;
  }

  /// The symbol table and the section with its names.
  std::optional<StubProblem> find_symbols(const abi::ElfHeader& header) {
    if (header.section_header_count == 0) return StubProblem::no_symbols;
    if (header.section_header_count > most_sections || header.section_header_size != sizeof(abi::SectionHeader)) {
      return StubProblem::damaged;
    }
    for (u32 i = 0; i < header.section_header_count; ++i) {
      const auto found = section(header, i);
      if (!found) return StubProblem::damaged;
      if (found->type != abi::SectionType::symbols) continue;
      const auto names = section(header, found->link);
      const bool ends = element(found->offset, 1, found->size).has_value();
      if (!names || names->type != abi::SectionType::strings || !ends ||
          found->size / sizeof(abi::Symbol) > most_symbols) {
        return StubProblem::damaged;
      }
      symbols_ = *found;
      strings_ = *names;
      return {};
    }
    return StubProblem::no_symbols;
  }

  Window tables_, names_, code_;
  std::array<Code, 4> code_pieces_{};
  abi::SectionHeader symbols_{}, strings_{};
};

}  // namespace

std::string_view describe(StubProblem problem) {
  switch (problem) {
    case StubProblem::not_elf: return "it is no program";
    case StubProblem::no_symbols: return "it has no symbols";
    case StubProblem::damaged: return "its tables lead out of the file";
    case StubProblem::no_stubs: return "none of its symbols is a call's";
    case StubProblem::contradiction: return "its symbols contradict one another";
    case StubProblem::out_of_range: return "it has a number that no call can have";
  }
  return "";
}

std::string_view ImageCalls::name_of(u64 number) const {
  const u8 place = number < numbers_end ? names_[number] : 0;
  return place == strange_name ? strange : known_names[place].name;
}

bool ImageCalls::has(std::string_view name) const {
  return std::ranges::any_of(names_,
                             [&](u8 place) { return place != strange_name && known_names[place].name == name; });
}

/// Collects what the stubs say, and notices when they cannot all be right.
class StubReader {
 public:
  explicit StubReader(const FileBytes& file) : symbols_(file) {}

  std::expected<ImageCalls, StubProblem> read() {
    if (const auto problem = symbols_.open()) return std::unexpected(*problem);
    for (u64 i = 0; i < symbols_.count(); ++i) {
      const auto symbol = symbols_.at(i);
      if (!symbol) return std::unexpected(StubProblem::damaged);
      if (const auto problem = take(*symbol)) return std::unexpected(*problem);
    }
    if (!any_base_call_) return std::unexpected(StubProblem::no_stubs);
    return calls_;
  }

 private:
  using Problem = std::optional<StubProblem>;

  /// One symbol: if a stub stands there, the stub's number has the symbol's name.
  Problem take(const abi::Symbol& symbol) {
    const std::string_view name = symbols_.name_of(symbol);
    if (name.empty()) return {};
    if (name == "ugetpid") calls_.has_ugetpid_ = true;
    const auto number = number_of_stub(symbols_.code_of(symbol, longest_stub));
    return number ? note(name, *number) : std::nullopt;
  }

  Problem note(std::string_view name, u64 number) {
    if (number == 0 || number >= call_numbers) return StubProblem::out_of_range;
    if (number >= ImageCalls::numbers_end) return {};
    const auto* const known = std::ranges::lower_bound(known_names, name, {}, &KnownName::name);
    const bool is_known = known != std::end(known_names) && known->name == name;
    if (is_known && known->base_number != 0) {
      any_base_call_ = true;
      return number == known->base_number ? Problem{} : StubProblem::contradiction;
    }
    if (number < ImageCalls::first_lab_number) return is_known ? Problem{StubProblem::contradiction} : std::nullopt;
    u8& noted = calls_.names_[number];
    if (!is_known) {
      if (noted == 0) noted = strange_name;  // beside a call's own name it would be an alias
      return {};
    }
    const u8 place = static_cast<u8>(known - known_names);
    if (noted == place) return {};
    if (calls_.has(name) || (noted != 0 && noted != strange_name)) return StubProblem::contradiction;
    noted = place;
    return {};
  }

  ProgramSymbols symbols_;
  ImageCalls calls_;
  bool any_base_call_ = false;
};

std::expected<ImageCalls, StubProblem> read_image_calls(const FileBytes& program) { return StubReader(program).read(); }

bool has_symbol(const FileBytes& program, std::string_view name) {
  ProgramSymbols symbols(program);
  if (symbols.open()) return false;
  for (u64 i = 0; i < symbols.count(); ++i) {
    const auto symbol = symbols.at(i);
    if (!symbol) return false;
    if (symbols.name_of(*symbol) == name) return true;
  }
  return false;
}

}  // namespace lab
