// SPDX-License-Identifier: MIT
#include "vellum/debug/lines.hpp"

#include <algorithm>

namespace vellum::debug {
namespace {

constexpr std::string_view section = ".debug_line";

// Section 7.22: standard opcodes (DW_LNS_), extended ones (DW_LNE_), content types (DW_LNCT_).
enum Standard : u8 {
  extended_next,
  copy,
  advance_pc,
  advance_line,
  set_file,
  set_column,
  negate_statement,
  set_basic_block,
  const_add_pc,
  fixed_advance_pc,
  set_prologue_end,
  set_epilogue_begin,
  set_isa,
};
enum Extended : u8 { end_sequence = 1, set_address = 2 };
enum Content : u64 { content_path = 1, content_directory = 2 };

}  // namespace

Result<LineTable> LineTable::of(const Dwarf& dwarf, const Unit& unit) {
  const auto root = dwarf.root(unit);
  if (!root) return std::unexpected(root.error());
  const auto offset = root->find(at::stmt_list);
  if (!offset) return fail("the unit has no line table", ".debug_info", unit.begin);
  const auto number = dwarf.number(unit, *offset);
  if (!number) return std::unexpected(number.error());
  LineTable table;
  table.dwarf_ = &dwarf;
  table.unit_ = &unit;
  if (const auto directory = root->find(at::comp_dir)) {
    table.compiled_in_ = dwarf.string(unit, *directory).value_or(std::string_view());
  }
  table.in_ = Reader(dwarf.line(), section, *number);
  if (const auto read = table.read_header(); !read) return std::unexpected(read.error());
  table.rewind();
  return table;
}

Result<void> LineTable::read_header() {
  u64 length = in_.word();
  if (length == 0xffff'ffff) {
    table_.offset_size = 8;
    length = in_.giant();
  }
  Reader in = in_.part(length);
  table_.version = in.half();
  if (!in.ok()) return in.error("a line table is cut off, or not in the file");
  if (table_.version < 2 || table_.version > 5) return in.error("a line table is of a version other than 2 to 5");
  if (table_.version >= 5) {
    const u8 address_size = in.byte();
    const u8 selector_size = in.byte();
    if (address_size != 8 || selector_size != 0) return in.error("a line table's addresses are not of 8 bytes");
  }
  const u64 header_length = in.number(table_.offset_size);
  program_ = in;
  program_.skip(header_length);
  minimum_length_ = in.byte();
  operations_per_instruction_ = table_.version >= 4 ? in.byte() : 1;
  default_is_statement_ = in.byte() != 0;
  line_base_ = static_cast<std::int8_t>(in.byte());
  line_range_ = in.byte();
  opcode_base_ = in.byte();
  lengths_ = in;
  in.skip(opcode_base_ == 0 ? 0 : opcode_base_ - 1);
  if (!in.ok() || !program_.ok()) return in.error("a line table's header is cut off");
  if (line_range_ == 0 || opcode_base_ == 0 || operations_per_instruction_ == 0) {
    return in.error("a line table's header has a 0 where none may be");
  }
  if (table_.version < 5) return read_old_names(in);
  const auto directories = read_names(in);
  if (!directories) return std::unexpected(directories.error());
  const auto files = read_names(in);
  if (!files) return std::unexpected(files.error());
  new_directories_ = *directories;
  new_files_ = *files;
  return {};
}

Result<void> LineTable::read_old_names(Reader& in) {
  directories_ = in;
  while (in.ok() && !in.string().empty()) {
  }
  files_ = in;
  while (in.ok() && !in.string().empty()) {
    for (int i = 0; i < 3; ++i) (void)in.uleb();  // directory, time, length
  }
  if (!in.ok()) return in.error("a line table's file names are cut off");
  return {};
}

Result<LineTable::Names> LineTable::read_names(Reader& in) const {
  Names names;
  names.columns = in.byte();
  names.format = in;
  for (u8 i = 0; i < names.columns; ++i) {
    (void)in.uleb();
    (void)in.uleb();
  }
  names.count = in.uleb();
  names.entries = in;
  if (!in.ok()) return in.error("a line table's file names are cut off");
  for (u64 i = 0; i < names.count; ++i) {
    const u64 before = in.offset();
    const auto name = read_name(names, in);
    if (!name) return std::unexpected(name.error());
    if (in.offset() == before) return in.error("a line table has file names that take no room");
  }
  return names;
}

Result<LineTable::NameEntry> LineTable::read_name(const Names& names, Reader& in) const {
  NameEntry entry;
  Reader format = names.format;
  for (u8 i = 0; i < names.columns; ++i) {
    const u64 content = format.uleb();
    Attribute attribute;
    attribute.form = static_cast<u16>(format.uleb());
    if (attribute.form == form::implicit_const || !Dwarf::read_value(in, table_, attribute, 0)) {
      return in.error("a line table's file name is in a form that cannot be read");
    }
    if (content == content_path) {
      const auto text = dwarf_->string(*unit_, attribute);
      if (!text) return std::unexpected(text.error());
      entry.name = *text;
    } else if (content == content_directory) {
      entry.directory = attribute.value;
    }
  }
  return entry;
}

Result<LineTable::NameEntry> LineTable::name_number(const Names& names, u64 number) const {
  if (number >= names.count) return fail("a line table has no file or directory of that number", section);
  Reader in = names.entries;
  for (u64 i = 0;; ++i) {
    const auto entry = read_name(names, in);
    if (!entry || i == number) return entry;
  }
}

Result<FileName> LineTable::old_file(u64 number) const {
  // Numbers count from 1; directory 0 is that in which the compiler ran.
  Reader in = files_;
  for (u64 i = 1;; ++i) {
    const std::string_view name = in.string();
    const u64 directory = in.uleb();
    (void)in.uleb();
    (void)in.uleb();
    if (name.empty() || !in.ok()) return fail("a line table has no file of that number", section);
    if (i != number) continue;
    FileName file{name, {}, compiled_in_};
    Reader directories = directories_;
    for (u64 at = 1; at <= directory; ++at) {
      file.directory = directories.string();
      if (file.directory.empty()) return fail("a line table has no directory of that number", section);
    }
    return file;
  }
}

Result<FileName> LineTable::file(u64 number) const {
  if (table_.version < 5) return old_file(number);
  const auto file = name_number(new_files_, number);
  if (!file) return std::unexpected(file.error());
  const auto directory = name_number(new_directories_, file->directory);
  if (!directory) return std::unexpected(directory.error());
  return FileName{file->name, directory->name, compiled_in_};
}

void LineTable::rewind() {
  in_ = program_;
  begin_sequence();
}

void LineTable::begin_sequence() {
  state_ = {};
  state_.is_statement = default_is_statement_;
}

void LineTable::advance(u64 operations) {
  const u64 at = state_.operation + operations;
  state_.address += minimum_length_ * (at / operations_per_instruction_);
  state_.operation = at % operations_per_instruction_;
}

bool LineTable::emit() {
  row_.address = state_.address;
  row_.file = state_.file;
  row_.line = state_.line == 0 || state_.line > ~u32{0} ? std::nullopt : std::optional(static_cast<u32>(state_.line));
  row_.column = static_cast<u32>(std::min<u64>(state_.column, ~u32{0}));
  row_.is_statement = state_.is_statement;
  row_.is_prologue_end = state_.is_prologue_end;
  row_.ends_sequence = false;
  state_.is_prologue_end = false;
  return true;
}

bool LineTable::special(u8 code) {
  const u8 adjusted = static_cast<u8>(code - opcode_base_);
  advance(adjusted / line_range_);
  state_.line += static_cast<u64>(line_base_ + adjusted % line_range_);
  return emit();
}

Result<bool> LineTable::extended() {
  const u64 length = in_.uleb();
  Reader inner = in_.part(length);
  in_.skip(length);
  if (length == 0 || !inner.ok()) return in_.error("a line table's program is cut off");
  switch (inner.byte()) {
    case end_sequence:
      emit();
      row_.ends_sequence = true;
      begin_sequence();
      return true;
    case set_address:
      state_.address = inner.giant();
      state_.operation = 0;
      if (!inner.ok()) return inner.error("a line table's address is cut off");
      return false;
    default: return false;  // files defined on the way, discriminators, vendors' own
  }
}

Result<bool> LineTable::standard(u8 code) {
  switch (code) {
    case copy: return emit();
    case advance_pc: advance(in_.uleb()); return false;
    case advance_line: state_.line += static_cast<u64>(in_.sleb()); return false;
    case set_file: state_.file = in_.uleb(); return false;
    case set_column: state_.column = in_.uleb(); return false;
    case negate_statement: state_.is_statement = !state_.is_statement; return false;
    case set_basic_block:
    case set_epilogue_begin: return false;
    case const_add_pc: advance(static_cast<u8>(255 - opcode_base_) / line_range_); return false;
    case fixed_advance_pc:
      state_.address += in_.half();
      state_.operation = 0;
      return false;
    case set_prologue_end: state_.is_prologue_end = true; return false;
    default: break;
  }
  // An opcode that came later, or DW_LNS_set_isa: the header says how many numbers to leave out.
  Reader lengths = lengths_;
  lengths.skip(code - 1);
  for (u8 operands = lengths.byte(); operands != 0; --operands) (void)in_.uleb();
  return false;
}

Result<bool> LineTable::next() {
  while (!in_.at_end()) {
    const u8 code = in_.byte();
    if (code >= opcode_base_) return special(code);
    const auto made_row = code == extended_next ? extended() : standard(code);
    if (!made_row) return made_row;
    if (!in_.ok()) return in_.error("a line table's program is cut off");
    if (*made_row) return true;
  }
  return false;
}

Result<std::optional<Row>> LineTable::row_at(u64 address) {
  rewind();
  std::optional<Row> before;
  for (;;) {
    const auto more = next();
    if (!more) return std::unexpected(more.error());
    if (!*more) return std::nullopt;
    if (before && before->address <= address && address < row_.address) return before;
    before = row_.ends_sequence ? std::nullopt : std::optional(row_);
  }
}

std::string_view spell(const FileName& file, std::span<char> out) {
  usize length = 0;
  const auto add = [&](std::string_view part) {
    const usize fitting = std::min(part.size(), out.size() - length);
    std::ranges::copy(part.substr(0, fitting), out.data() + length);
    length += fitting;
  };
  const auto add_directory = [&](std::string_view directory) {
    if (directory.empty()) return;
    add(directory);
    if (!directory.ends_with('/')) add("/");
  };
  if (!file.name.starts_with('/')) {
    if (!file.directory.starts_with('/')) add_directory(file.compiled_in);
    add_directory(file.directory);
  }
  add(file.name);
  return {out.data(), length};
}

}  // namespace vellum::debug
