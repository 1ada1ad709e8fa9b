#include "tools/foliowalk/kernel_image.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <unordered_map>

namespace foliowalk {

/// Keeps the ELF and DWARF handles open and turns type entries into Type objects, each once.
struct KernelImage::Reader {
  int descriptor = -1;
  Elf* elf = nullptr;
  Dwarf* dwarf = nullptr;
  std::deque<Type> types;  // a deque, so that pointers to its elements stay good
  std::unordered_map<Dwarf_Off, Type*> known;
  std::vector<Dwarf_Off> variable_dies;
  std::unordered_map<std::string, Dwarf_Off> classes;  // definitions by full name, the first of each

  ~Reader() {
    if (dwarf) dwarf_end(dwarf);
    if (elf) elf_end(elf);
    if (descriptor >= 0) ::close(descriptor);
  }

  static std::string name_of(Dwarf_Die* die) {
    Dwarf_Attribute attribute;
    const char* name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attribute));
    return name ? name : "";
  }

  static std::optional<u64> number(Dwarf_Die* die, unsigned at) {
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;
    if (dwarf_formudata(dwarf_attr_integrate(die, at, &attribute), &value) != 0) return std::nullopt;
    return value;
  }

  const Type* type_of(Dwarf_Die* die) {
    Dwarf_Attribute attribute;
    Dwarf_Die type;
    if (!dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attribute), &type)) return nullptr;
    return convert(&type);
  }

  /// Recursion ends because a type is entered in `known` before its parts are converted.
  const Type* convert(Dwarf_Die* die) {
    if (const auto found = known.find(dwarf_dieoffset(die)); found != known.end()) return found->second;
    const int tag = dwarf_tag(die);
    if (tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type || tag == DW_TAG_atomic_type ||
        tag == DW_TAG_restrict_type) {
      return type_of(die);
    }
    if (dwarf_hasattr(die, DW_AT_declaration)) {
      const auto defined = classes.find(declared_scope(die) + name_of(die));
      Dwarf_Die definition;
      if (defined != classes.end() && dwarf_offdie(dwarf, defined->second, &definition)) return convert(&definition);
    }
    Type* type = &types.emplace_back();
    known.emplace(dwarf_dieoffset(die), type);
    type->name = name_of(die);
    type->size = number(die, DW_AT_byte_size).value_or(0);
    switch (tag) {
      case DW_TAG_base_type: fill_integer(*type, die); break;
      case DW_TAG_pointer_type:
      case DW_TAG_reference_type:
      case DW_TAG_rvalue_reference_type:
        type->kind = Type::Kind::pointer;
        type->size = 8;
        type->element = type_of(die);
        break;
      case DW_TAG_structure_type:
      case DW_TAG_class_type:
      case DW_TAG_union_type: fill_structure(*type, die); break;
      case DW_TAG_array_type: fill_array(*type, die); break;
      case DW_TAG_enumeration_type: fill_enumeration(*type, die); break;
      default: break;
    }
    return type;
  }

  static void fill_integer(Type& type, Dwarf_Die* die) {
    const u64 encoding = number(die, DW_AT_encoding).value_or(0);
    type.kind = Type::Kind::integer;
    type.is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
  }

  void fill_structure(Type& type, Dwarf_Die* die) {
    type.kind = Type::Kind::structure;
    Dwarf_Die child;
    if (dwarf_child(die, &child) != 0) return;
    do {
      const int tag = dwarf_tag(&child);
      if (tag != DW_TAG_member && tag != DW_TAG_inheritance) continue;
      if (dwarf_hasattr(&child, DW_AT_external)) continue;  // a static member has no place in the object
      type.members.push_back({tag == DW_TAG_member ? name_of(&child) : "",
                              number(&child, DW_AT_data_member_location).value_or(0), type_of(&child)});
    } while (dwarf_siblingof(&child, &child) == 0);
  }

  /// A multi-dimensional array becomes arrays of arrays, the last dimension innermost.
  void fill_array(Type& type, Dwarf_Die* die) {
    std::vector<u64> counts;
    Dwarf_Die child;
    if (dwarf_child(die, &child) == 0) {
      do {
        if (dwarf_tag(&child) != DW_TAG_subrange_type) continue;
        if (const auto count = number(&child, DW_AT_count))
          counts.push_back(*count);
        else if (const auto last = number(&child, DW_AT_upper_bound))
          counts.push_back(*last + 1);
        else
          counts.push_back(0);
      } while (dwarf_siblingof(&child, &child) == 0);
    }
    const Type* element = type_of(die);
    for (usize i = counts.size(); i-- > 1;) {
      Type& inner = types.emplace_back();
      make_array(inner, element, counts[i]);
      element = &inner;
    }
    make_array(type, element, counts.empty() ? 0 : counts[0]);
  }

  static void make_array(Type& type, const Type* element, u64 count) {
    type.kind = Type::Kind::array;
    type.element = element;
    type.count = count;
    type.size = element ? element->size * count : 0;
  }

  void fill_enumeration(Type& type, Dwarf_Die* die) {
    type.kind = Type::Kind::enumeration;
    Dwarf_Die child;
    if (dwarf_child(die, &child) != 0) return;
    do {
      if (dwarf_tag(&child) != DW_TAG_enumerator) continue;
      Dwarf_Attribute attribute;
      Dwarf_Sword value = 0;
      if (dwarf_formsdata(dwarf_attr(&child, DW_AT_const_value, &attribute), &value) == 0) {
        type.enumerators.push_back({name_of(&child), value});
      }
    } while (dwarf_siblingof(&child, &child) == 0);
  }

  /// The fixed address of a variable: DW_OP_addr or addrx, with an offset when the compiler merged globals.
  static std::optional<u64> address_of(Dwarf_Die* die) {
    Dwarf_Attribute attribute;
    if (!dwarf_attr(die, DW_AT_location, &attribute)) return std::nullopt;
    Dwarf_Op* operations = nullptr;
    size_t count = 0;
    if (dwarf_getlocation(&attribute, &operations, &count) != 0 || count == 0) return std::nullopt;
    u64 address = 0;
    if (operations[0].atom == DW_OP_addr) {
      address = operations[0].number;
    } else if (operations[0].atom == DW_OP_addrx || operations[0].atom == DW_OP_GNU_addr_index) {
      Dwarf_Attribute indexed;
      Dwarf_Addr value = 0;
      if (dwarf_getlocation_attr(&attribute, &operations[0], &indexed) != 0) return std::nullopt;
      if (dwarf_formaddr(&indexed, &value) != 0) return std::nullopt;
      address = value;
    } else {
      return std::nullopt;
    }
    if (count == 2 && operations[1].atom == DW_OP_plus_uconst) return address + operations[1].number;
    return count == 1 ? std::optional(address) : std::nullopt;
  }

  /// The scope of a variable that is declared elsewhere (a static member, an extern in a namespace), outermost first,
  /// each followed by "::".
  static std::string declared_scope(Dwarf_Die* declaration) {
    Dwarf_Die* scopes = nullptr;
    const int count = dwarf_getscopes_die(declaration, &scopes);
    std::string prefix;
    for (int i = count - 1; i > 0; --i) {
      if (dwarf_tag(&scopes[i]) == DW_TAG_compile_unit) continue;
      const std::string part = name_of(&scopes[i]);
      if (!part.empty()) prefix += part + "::";
    }
    std::free(scopes);
    return prefix;
  }

  void note_variable(Dwarf_Die* die, const std::string& prefix, std::vector<Variable>& out) {
    const auto address = address_of(die);
    const std::string name = name_of(die);
    if (!address || name.empty()) return;
    Dwarf_Attribute attribute;
    Dwarf_Die declaration;
    const bool elsewhere = dwarf_formref_die(dwarf_attr(die, DW_AT_specification, &attribute), &declaration) != nullptr;
    out.push_back({(elsewhere ? declared_scope(&declaration) : prefix) + name, *address, nullptr});
    variable_dies.push_back(dwarf_dieoffset(die));
  }

  /// Entries of one scope; `prefix` is its name with "::" behind. The anonymous namespace leaves no trace in names.
  void collect(Dwarf_Die* parent, const std::string& prefix, std::vector<Variable>& out) {
    Dwarf_Die child;
    if (dwarf_child(parent, &child) != 0) return;
    do {
      const auto inner = [&] {
        const std::string name = name_of(&child);
        return name.empty() ? prefix : prefix + name + "::";
      };
      switch (dwarf_tag(&child)) {
        case DW_TAG_variable: note_variable(&child, prefix, out); break;
        case DW_TAG_structure_type:
        case DW_TAG_class_type:
          if (dwarf_hasattr(&child, DW_AT_byte_size))
            classes.try_emplace(prefix + name_of(&child), dwarf_dieoffset(&child));
          collect(&child, inner(), out);
          break;
        case DW_TAG_namespace:
        case DW_TAG_subprogram:
        case DW_TAG_lexical_block: collect(&child, inner(), out); break;
        default: break;
      }
    } while (dwarf_siblingof(&child, &child) == 0);
  }
};

KernelImage::~KernelImage() = default;

namespace {

std::vector<Symbol> read_symbols(Elf* elf) {
  std::vector<Symbol> symbols;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (!data) continue;
    for (u64 i = 0; i < header.sh_size / header.sh_entsize; ++i) {
      GElf_Sym symbol;
      if (!gelf_getsym(data, static_cast<int>(i), &symbol) || symbol.st_shndx == SHN_UNDEF) continue;
      const int type = GELF_ST_TYPE(symbol.st_info);
      if (type == STT_SECTION || type == STT_FILE) continue;
      const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name && *name && *name != '.' && *name != '$') symbols.push_back({name, symbol.st_value, symbol.st_size});
    }
  }
  std::ranges::sort(symbols, {}, &Symbol::address);
  return symbols;
}

std::vector<Section> read_sections(Elf* elf) {
  std::vector<Section> sections;
  size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return sections;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) || header.sh_size == 0) continue;
    const char* name = elf_strptr(elf, names, header.sh_name);
    sections.push_back({name ? name : "", header.sh_addr, header.sh_size});
  }
  return sections;
}

}  // namespace

Outcome<std::unique_ptr<KernelImage>> KernelImage::open(const std::string& path) {
  elf_version(EV_CURRENT);
  std::unique_ptr<KernelImage> image(new KernelImage);
  image->path_ = path;
  image->reader_ = std::make_unique<Reader>();
  Reader& reader = *image->reader_;

  reader.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (reader.descriptor < 0) return fail(fmt::format("cannot open the kernel {}: {}", path, std::strerror(errno)));
  reader.elf = elf_begin(reader.descriptor, ELF_C_READ, nullptr);
  GElf_Ehdr header;
  if (!reader.elf || elf_kind(reader.elf) != ELF_K_ELF || !gelf_getehdr(reader.elf, &header)) {
    return fail(fmt::format("{} is not an ELF file", path));
  }
  if (header.e_machine != EM_RISCV || gelf_getclass(reader.elf) != ELFCLASS64) {
    return fail(fmt::format("{} is an ELF file, but not for 64-bit RISC-V (machine {})", path, header.e_machine));
  }

  image->symbols_ = read_symbols(reader.elf);
  image->sections_ = read_sections(reader.elf);
  size_t count = 0;
  elf_getphdrnum(reader.elf, &count);
  image->physical_begin_ = ~u64{0};
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (!gelf_getphdr(reader.elf, static_cast<int>(i), &segment) || segment.p_type != PT_LOAD) continue;
    image->segments_.push_back({segment.p_vaddr, segment.p_paddr, segment.p_memsz});
    image->physical_begin_ = std::min(image->physical_begin_, segment.p_paddr);
    image->physical_end_ = std::max(image->physical_end_, segment.p_paddr + segment.p_memsz);
  }

  reader.dwarf = dwarf_begin_elf(reader.elf, DWARF_C_READ, nullptr);
  if (reader.dwarf) {
    Dwarf_Off offset = 0;
    Dwarf_Off next = 0;
    size_t header_size = 0;
    while (dwarf_nextcu(reader.dwarf, offset, &next, &header_size, nullptr, nullptr, nullptr) == 0) {
      Dwarf_Die unit;
      if (dwarf_offdie(reader.dwarf, offset + header_size, &unit)) reader.collect(&unit, "", image->variables_);
      offset = next;
    }
    // Types come last: a class that a unit only declares is looked up among the definitions of all units.
    for (usize i = 0; i < image->variables_.size(); ++i) {
      Dwarf_Die variable;
      if (dwarf_offdie(reader.dwarf, reader.variable_dies[i], &variable))
        image->variables_[i].type = reader.type_of(&variable);
    }
  }
  return image;
}

const Symbol* KernelImage::symbol(std::string_view name) const {
  const auto found = std::ranges::find(symbols_, name, &Symbol::name);
  return found == symbols_.end() ? nullptr : &*found;
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
  Dwarf_Die die;
  if (found == reader_->classes.end() || !dwarf_offdie(reader_->dwarf, found->second, &die)) return nullptr;
  return reader_->convert(&die);
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
