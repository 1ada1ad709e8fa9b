// SPDX-License-Identifier: MIT
#include "tools/foliowalk/kernel_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <list>
#include <unordered_map>

#include "tools/foliowalk/number.hpp"
#include "vellum/debug/debug_info.hpp"

namespace foliowalk {

namespace debug = vellum::debug;
using debug::TypeKind;

/// Keeps the file, and turns the types of its DWARF into Type objects, each once.
struct KernelImage::Reader {
  std::vector<std::byte> file;
  std::list<std::vector<std::byte>> memory;  // of the reader's indexes
  debug::Arena arena{{}, more, this};
  const debug::DebugInfo* info = nullptr;
  std::deque<Type> types;  // a deque, so that pointers to its elements stay good
  std::unordered_map<u64, Type*> known;  // by the entry's key
  std::deque<std::pair<Type*, debug::Type>> pending;  // types whose parts are still to be converted
  std::vector<debug::Entry> variable_entries;
  std::unordered_map<std::string, u64> classes;  // definitions by full name, the first of each: their entries' keys
  std::string first_problem;

  static std::span<std::byte> more(void* owner, usize bytes) {
    return static_cast<Reader*>(owner)->memory.emplace_back(std::max<usize>(bytes, usize{1} << 20));
  }

  [[nodiscard]] const debug::Dwarf& dwarf() const { return *info->dwarf(); }

  static std::string words_of(const debug::Error& error) {
    return error.section.empty() ? std::string(error.words)
                                 : fmt::format("{} ({} at {:#x})", error.words, error.section, error.offset);
  }

  void note_problem(const debug::Error& error) {
    if (first_problem.empty()) first_problem = words_of(error);
  }

  [[nodiscard]] static std::string full_name(const debug::Scope& scope, std::string_view name) {
    std::string text;
    for (const std::string_view part : scope.names()) text.append(part).append("::");
    return text.append(name);
  }

  /// The definition of a class that is only declared here, if any unit has one.
  [[nodiscard]] std::optional<debug::Type> definition_of(const debug::Type& declared) const {
    const auto scope = debug::scope_of(dwarf(), *declared.entry());
    const auto name = declared.name();
    if (!scope || !name) return std::nullopt;
    const auto found = classes.find(full_name(*scope, *name));
    if (found == classes.end()) return std::nullopt;
    const auto entry = dwarf().entry(found->second);
    return entry ? std::optional(debug::Type::described_by(dwarf(), *entry)) : std::nullopt;
  }

  /// The type that an entry names, with all that it leads to. Null for void and for what cannot be read.
  const Type* type_of(const debug::Entry& entry) {
    const Type* const type = begin(debug::Type::of(dwarf(), entry));
    drain();
    return type;
  }

  /// One after the other: types that lead to types that lead to types would be deeper than the stack.
  void drain() {
    while (!pending.empty()) {
      const auto [converted, from] = pending.front();
      pending.pop_front();
      fill(*converted, from);
    }
  }

  /// Makes the type known; its parts come later, from `pending`.
  Type* begin(const debug::Result<debug::Type>& named) {
    if (!named) {
      note_problem(named.error());
      return nullptr;
    }
    const auto plain = named->stripped();
    if (!plain) {
      note_problem(plain.error());
      return nullptr;
    }
    if (!plain->entry()) return nullptr;
    debug::Type from = *plain;
    if (from.is_declaration()) from = definition_of(from).value_or(from);
    const auto [place, is_new] = known.try_emplace(from.entry()->key(), nullptr);
    if (!is_new) return place->second;
    Type* const type = &types.emplace_back();
    place->second = type;
    type->name = from.name().value_or(std::string_view());
    if (const auto size = from.size()) type->size = *size;
    pending.emplace_back(type, from);
    return type;
  }

  void fill(Type& type, const debug::Type& from) {
    switch (from.kind()) {
      case TypeKind::integer:
      case TypeKind::character:
      case TypeKind::boolean:
        type.kind = Type::Kind::integer;
        type.is_signed = from.is_signed();
        break;
      case TypeKind::pointer:
      case TypeKind::reference:
        type.kind = Type::Kind::pointer;
        type.element = begin(from.target());
        break;
      case TypeKind::structure:
      case TypeKind::union_: fill_structure(type, from); break;
      case TypeKind::array: fill_array(type, from); break;
      case TypeKind::enumeration: fill_enumeration(type, from); break;
      default: break;
    }
  }

  void fill_structure(Type& type, const debug::Type& from) {
    type.kind = Type::Kind::structure;
    debug::Members members(from);
    for (;;) {
      const auto more = members.next();
      if (!more) return note_problem(more.error());
      if (!*more) return;
      const debug::Member& member = members.member();
      Type::Member& made = type.members.emplace_back();
      made.name = member.name;
      made.type = begin(debug::Type::of(dwarf(), member.entry));
      if (!member.offset) {
        made.problem = words_of(member.offset.error());
        note_problem(member.offset.error());
      } else if (member.bits) {
        made.problem = "a bit-field, which is not read";
      } else {
        made.offset = *member.offset;
      }
    }
  }

  /// A multi-dimensional array becomes arrays of arrays, the last dimension innermost. An array without bounds has no
  /// elements that could be read.
  void fill_array(Type& type, const debug::Type& from) {
    type.kind = Type::Kind::array;
    const Type* element = begin(from.target());
    const auto dimensions = from.dimensions();
    if (!dimensions) return note_problem(dimensions.error());
    for (usize i = *dimensions; i-- > 0;) {
      const auto bound = from.bound(i);
      if (!bound) note_problem(bound.error());
      Type& made = i == 0 ? type : types.emplace_back();
      made.kind = Type::Kind::array;
      made.element = element;
      made.count = bound ? bound->count : 0;
      made.size = element ? element->size * made.count : 0;
      element = &made;
    }
  }

  void fill_enumeration(Type& type, const debug::Type& from) {
    type.kind = Type::Kind::enumeration;
    type.is_signed = from.is_signed();
    debug::Enumerators values(from);
    for (auto more = values.next(); more && *more; more = values.next()) {
      const debug::Enumerator& one = values.enumerator();
      if (one.value) type.enumerators.push_back({std::string(one.name), *one.value});
    }
  }

  void note_variable(const debug::Entry& entry, const debug::Scope& scope, std::vector<Variable>& out) {
    const auto address = debug::fixed_address(dwarf(), entry);
    // What is in no one place (split by the compiler, thread-local) is not to be found from outside.
    if (!address) return;
    const auto name = dwarf().name(entry);
    if (!name) return note_problem(name.error());
    if (!*address || name->empty()) return;
    // A static member, or an extern of a namespace, is called as where it was declared.
    const auto origin = dwarf().origin(entry);
    const auto around = origin && *origin ? debug::scope_of(dwarf(), entry) : debug::Result<debug::Scope>(scope);
    if (!around) return note_problem(around.error());
    out.push_back({full_name(*around, *name), **address, nullptr});
    variable_entries.push_back(entry);
  }

  void collect(std::vector<Variable>& out) {
    for (const debug::Unit& unit : dwarf().units()) {
      const auto visited = debug::visit(dwarf(), unit, [&](const debug::Entry& entry, const debug::Scope& scope) {
        const u16 tag = entry.tag();
        if (tag == debug::tag::variable) {
          note_variable(entry, scope, out);
        } else if (tag == debug::tag::structure_type || tag == debug::tag::class_type) {
          const auto name = dwarf().name(entry);
          if (name && !entry.flag(debug::at::declaration)) classes.try_emplace(full_name(scope, *name), entry.key());
        }
        return debug::Next::into;
      });
      if (!visited) note_problem(visited.error());
    }
    // Types come last: a class that a unit only declares is looked up among the definitions of all units.
    for (usize i = 0; i < out.size(); ++i) out[i].type = type_of(variable_entries[i]);
  }
};

KernelImage::~KernelImage() = default;

namespace {

Outcome<std::vector<std::byte>> contents_of(const std::string& path) {
  std::FILE* const in = std::fopen(path.c_str(), "rb");
  if (!in) return fail(fmt::format("cannot open the kernel {}: {}", path, std::strerror(errno)));
  std::vector<std::byte> bytes;
  std::array<std::byte, 1 << 16> piece;
  for (usize got; (got = std::fread(piece.data(), 1, piece.size(), in)) != 0;)
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
  const bool good = std::ferror(in) == 0;
  std::fclose(in);
  if (!good) return fail(fmt::format("cannot read the kernel {}: {}", path, std::strerror(errno)));
  return bytes;
}

}  // namespace

Outcome<std::unique_ptr<KernelImage>> KernelImage::open(const std::string& path) {
  auto file = contents_of(path);
  if (!file) return std::unexpected(file.error());
  return read(path, std::move(*file));
}

Outcome<std::unique_ptr<KernelImage>> KernelImage::read(std::string name, std::vector<std::byte> file) {
  std::unique_ptr<KernelImage> image(new KernelImage);
  image->path_ = std::move(name);
  image->reader_ = std::make_unique<Reader>();
  Reader& reader = *image->reader_;
  reader.file = std::move(file);
  // Before megabytes of another machine's debug information are read.
  const auto header = debug::Elf::open(reader.file);
  if (header && header->machine() != debug::machine_riscv) {
    return fail(
        fmt::format("{} is an ELF file, but not for 64-bit RISC-V (machine {})", image->path_, header->machine()));
  }
  const auto info = debug::DebugInfo::open(reader.file, reader.arena);
  if (!info) return fail(fmt::format("{}: {}", image->path_, Reader::words_of(info.error())));
  reader.info = *info;
  const debug::Elf& elf = reader.info->elf();
  for (const debug::Symbol& symbol : reader.info->symbols().all())
    image->symbols_.push_back({std::string(symbol.name), symbol.address, symbol.size});
  for (usize i = 0; i < elf.section_count(); ++i) {
    const auto section = elf.section(i);
    if (section && section->is_loaded() && section->size != 0)
      image->sections_.push_back({std::string(section->name), section->address, section->size});
  }
  image->physical_begin_ = ~u64{0};
  for (usize i = 0; i < elf.header_count(); ++i) {
    const auto segment = elf.segment(i);
    if (!segment || !*segment) continue;
    const debug::Segment& found = **segment;
    image->segments_.push_back({found.virtual_address, found.physical_address, found.size});
    image->physical_begin_ = std::min(image->physical_begin_, found.physical_address);
    image->physical_end_ = std::max(image->physical_end_, found.physical_address + found.size);
  }
  if (reader.info->dwarf()) reader.collect(image->variables_);
  if (const auto damage = reader.info->damage()) reader.first_problem = Reader::words_of(*damage);
  return image;
}

const std::string& KernelImage::problem() const { return reader_->first_problem; }

const Symbol* KernelImage::symbol(std::string_view name) const {
  const auto found = std::ranges::find(symbols_, name, &Symbol::name);
  return found == symbols_.end() ? nullptr : &*found;
}

/// A C++ symbol has each part of its name with the length before it.
const Symbol* KernelImage::mangled_symbol(std::string_view name) const {
  std::string parts;
  for (usize begin = 0; begin <= name.size();) {
    const usize end = std::min(name.find("::", begin), name.size());
    parts += fmt::format("{}{}", end - begin, name.substr(begin, end - begin));
    begin = end + 2;
  }
  const auto found = std::ranges::find_if(symbols_, [&](const Symbol& symbol) {
    const usize at = symbol.name.starts_with("_Z") ? symbol.name.find(parts) : std::string::npos;
    return at != std::string::npos && std::isdigit(static_cast<unsigned char>(symbol.name[at - 1])) == 0;
  });
  return found == symbols_.end() ? nullptr : &*found;
}

std::optional<u64> KernelImage::address_of(std::string_view text) const {
  const usize plus = text.find('+');
  const std::string_view name = text.substr(0, plus);
  const auto offset = plus == std::string_view::npos ? std::optional(u64{0}) : parse_number(text.substr(plus + 1));
  if (name.empty() || !offset) return std::nullopt;
  if (const Symbol* exact = symbol(name)) return exact->address + *offset;
  if (const Variable* known = variable(name)) return known->address + *offset;
  const Symbol* mangled = mangled_symbol(name);
  return mangled ? std::optional(mangled->address + *offset) : std::nullopt;
}

const Symbol* KernelImage::symbol_at(u64 address) const {
  auto after = std::ranges::upper_bound(symbols_, address, {}, &Symbol::address);
  if (after == symbols_.begin()) return nullptr;
  const Symbol& nearest = *std::prev(after);
  const u64 distance = address - nearest.address;
  return distance < std::max<u64>(nearest.size, 0x10000) ? &nearest : nullptr;
}

const Variable* KernelImage::variable(std::string_view name) const {
  const auto exact = std::ranges::find(variables_, name, &Variable::name);
  if (exact != variables_.end()) return &*exact;
  const Variable* only = nullptr;
  for (const Variable& candidate : variables_) {
    const std::string_view full = candidate.name;
    if (!full.ends_with(name)) continue;
    if (full.size() <= name.size() + 2 || full.substr(full.size() - name.size() - 2, 2) != "::") continue;
    if (only) return nullptr;
    only = &candidate;
  }
  return only;
}

const Type* KernelImage::type(const std::string& name) const {
  const auto found = reader_->classes.find(name);
  if (found == reader_->classes.end()) return nullptr;
  const auto entry = reader_->dwarf().entry(found->second);
  if (!entry) return nullptr;
  const Type* const type = reader_->begin(debug::Type::described_by(reader_->dwarf(), *entry));
  reader_->drain();
  return type;
}

std::optional<u64> KernelImage::loaded_at(u64 address) const {
  for (const Segment& segment : segments_) {
    if (address >= segment.virtual_address && address - segment.virtual_address < segment.size) {
      return segment.physical_address + (address - segment.virtual_address);
    }
  }
  return std::nullopt;
}

}  // namespace foliowalk
