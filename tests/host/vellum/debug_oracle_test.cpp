// The reader of ELF and DWARF beside libdw, entry by entry, on what many compilers write.
//
// Strategy: both walk over the same file, and everything that the one says is asked of the other: entries and their
// attributes, names, addresses, members' offsets, sizes, ranges, location lists, line tables, functions at an address.
// tests/guests/debug is compiled anew in each of some fifty ways; Bifolium's own kernels are read where they have been
// built.

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "vellum/compiled.hpp"
#include "vellum/debug/debug_info.hpp"

namespace vellum::debug::test {
namespace {

/// A file as libdw sees it.
class Oracle {
 public:
  explicit Oracle(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    elf_version(EV_CURRENT);
    elf = elf_begin(descriptor_, ELF_C_READ, nullptr);
    dwarf = dwarf_begin_elf(elf, DWARF_C_READ, nullptr);
  }
  ~Oracle() {
    dwarf_end(dwarf);
    elf_end(elf);
    ::close(descriptor_);
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  ::Elf* elf = nullptr;
  ::Dwarf* dwarf = nullptr;

 private:
  int descriptor_;
};

class Comparison {
 public:
  Comparison(const DebugInfo& info, Oracle& oracle) : info_(info), dwarf_(*info.dwarf()), oracle_(oracle) {}

  void run() {
    for (const Unit& unit : dwarf_.units()) {
      if (::testing::Test::HasFailure()) return;
      ASSERT_TRUE(unit.problem.empty()) << unit.problem;
      entries(unit);
      if (unit.is_type_unit()) continue;
      lines(unit);
    }
    functions();
    symbols();
  }

  usize entries_seen = 0, attributes_seen = 0, rows_seen = 0, members_seen = 0, ranges_seen = 0, locations_seen = 0,
        addresses_seen = 0, functions_seen = 0;

 private:
  Dwarf_Die die_of(const Unit& unit, u64 offset) {
    Dwarf_Die die{};
    if (unit.home == Home::types)
      dwarf_offdie_types(oracle_.dwarf, offset, &die);
    else
      dwarf_offdie(oracle_.dwarf, offset, &die);
    return die;
  }

  void entries(const Unit& unit) {
    Walk walk(dwarf_, unit);
    // libdw's order of entries, through child and sibling.
    std::vector<std::pair<Dwarf_Die, unsigned>> theirs;
    Dwarf_Die root = die_of(unit, unit.first);
    collect(root, 0, theirs);
    usize at = 0;
    for (;;) {
      const auto more = walk.next();
      ASSERT_TRUE(more) << more.error().words << " at " << more.error().offset;
      if (!*more) break;
      ASSERT_LT(at, theirs.size());
      auto& [die, depth] = theirs[at++];
      const Entry& entry = walk.entry();
      ASSERT_EQ(entry.offset(), dwarf_dieoffset(&die));
      ASSERT_EQ(walk.depth(), depth) << std::hex << entry.offset();
      ASSERT_EQ(entry.tag(), dwarf_tag(&die)) << std::hex << entry.offset();
      ++entries_seen;
      attributes(entry, die);
      meaning(entry, die);
      if (::testing::Test::HasFailure()) return;
    }
    ASSERT_EQ(at, theirs.size());
    skipping(unit, theirs);
  }

  static void collect(Dwarf_Die die, unsigned depth, std::vector<std::pair<Dwarf_Die, unsigned>>& out) {
    out.emplace_back(die, depth);
    Dwarf_Die child;
    if (dwarf_child(&die, &child) != 0) return;
    do {
      collect(child, depth + 1, out);
    } while (dwarf_siblingof(&child, &child) == 0);
  }

  /// Children can be left out, and then the next entry is the sibling.
  void skipping(const Unit& unit, const std::vector<std::pair<Dwarf_Die, unsigned>>& theirs) {
    Walk walk(dwarf_, unit);
    usize at = 0;
    for (auto more = walk.next(); more && *more; more = walk.next()) {
      while (at < theirs.size() && theirs[at].second > 1) ++at;
      ASSERT_LT(at, theirs.size());
      ASSERT_EQ(walk.entry().offset(), dwarf_dieoffset(const_cast<Dwarf_Die*>(&theirs[at++].first)));
      if (walk.depth() == 1) ASSERT_TRUE(walk.skip_children());
    }
  }

  void attributes(const Entry& entry, Dwarf_Die& die) {
    struct Each {
      Comparison* self;
      const Entry* entry;
    } each{this, &entry};
    dwarf_getattrs(
        &die,
        [](Dwarf_Attribute* attribute, void* argument) {
          auto* both = static_cast<Each*>(argument);
          both->self->attribute(*both->entry, *attribute);
          return static_cast<int>(DWARF_CB_OK);
        },
        &each, 0);
  }

  void attribute(const Entry& entry, Dwarf_Attribute& theirs) {
    const auto mine = entry.find(static_cast<u16>(dwarf_whatattr(&theirs)));
    ASSERT_TRUE(mine) << std::hex << entry.offset() << " attribute " << dwarf_whatattr(&theirs);
    ASSERT_EQ(mine->form, dwarf_whatform(&theirs));
    ++attributes_seen;
    const Unit& unit = entry.unit();
    const std::string where = "attribute " + std::to_string(mine->name) + " form " + std::to_string(mine->form) +
                              " of entry " + std::to_string(entry.offset());
    if (const char* text = dwarf_formstring(&theirs)) {
      const auto value = dwarf_.string(unit, *mine);
      ASSERT_TRUE(value) << where << ": " << value.error().words;
      ASSERT_EQ(*value, text) << where;
      return;
    }
    Dwarf_Die target;
    if (dwarf_formref_die(&theirs, &target)) {
      const auto value = dwarf_.reference(unit, *mine);
      ASSERT_TRUE(value) << where << ": " << value.error().words;
      ASSERT_EQ(value->offset(), dwarf_dieoffset(&target)) << where;
      return;
    }
    Dwarf_Addr address;
    if (dwarf_formaddr(&theirs, &address) == 0) {
      const auto value = dwarf_.address(unit, *mine);
      ASSERT_TRUE(value) << where << ": " << value.error().words;
      ASSERT_EQ(*value, address) << where;
      return;
    }
    Dwarf_Block block;
    if (Dwarf::block(*mine)) {
      ASSERT_EQ(dwarf_formblock(&theirs, &block), 0) << where;
      ASSERT_EQ(mine->bytes.size(), block.length) << where;
      ASSERT_EQ(std::memcmp(mine->bytes.data(), block.data, block.length), 0) << where;
      return;
    }
    Dwarf_Word number;
    if (mine->form == form::loclistx || mine->form == form::rnglistx) return;  // the lists themselves are compared
    if (dwarf_formudata(&theirs, &number) == 0) {
      const auto value = dwarf_.number(unit, *mine);
      ASSERT_TRUE(value) << where << ": " << value.error().words;
      ASSERT_EQ(*value, number) << where;
    }
  }

  /// What entries of some kinds are worth beyond their attributes.
  void meaning(const Entry& entry, Dwarf_Die& die) {
    const auto name = dwarf_.name(entry);
    ASSERT_TRUE(name);
    Dwarf_Attribute attribute;
    const char* theirs = dwarf_formstring(dwarf_attr_integrate(&die, DW_AT_name, &attribute));
    ASSERT_EQ(*name, theirs ? theirs : "") << std::hex << entry.offset();
    ranges(entry, die);
    switch (entry.tag()) {
      case tag::variable:
      case tag::formal_parameter: location(entry, die); break;
      case tag::structure_type:
      case tag::class_type:
      case tag::union_type: members(entry, die); break;
      default: break;
    }
    const TypeKind kind = Type::described_by(dwarf_, entry).kind();
    if (kind != TypeKind::unknown && kind != TypeKind::function) size(entry, die);
  }

  void size(const Entry& entry, Dwarf_Die& die) {
    const auto mine = Type::described_by(dwarf_, entry).size();
    Dwarf_Word theirs;
    if (dwarf_aggregate_size(&die, &theirs) != 0) {
      // libdw reads no bounds that are expressions (GCC's -flto) and follows no signatures; a structure that is
      // announced has no size to anyone.
      if (mine) ASSERT_NE(entry.tag(), tag::structure_type) << std::hex << entry.offset();
      return;
    }
    if (!mine && entry.tag() == tag::array_type) return;  // libdw counts an open dimension as nothing
    ASSERT_TRUE(mine) << mine.error().words << std::hex << " entry " << entry.offset();
    ASSERT_EQ(*mine, theirs) << std::hex << entry.offset();
  }

  void members(const Entry& entry, Dwarf_Die& die) {
    std::vector<std::tuple<std::string, u64>> theirs;
    Dwarf_Die child;
    if (dwarf_child(&die, &child) == 0) {
      do {
        const int tag = dwarf_tag(&child);
        if (tag != DW_TAG_member && tag != DW_TAG_inheritance) continue;
        if (dwarf_hasattr(&child, DW_AT_external) || dwarf_hasattr(&child, DW_AT_declaration)) continue;
        theirs.emplace_back(tag == DW_TAG_member && dwarf_diename(&child) ? dwarf_diename(&child) : "",
                            member_offset(child));
      } while (dwarf_siblingof(&child, &child) == 0);
    }
    const Type type = Type::described_by(dwarf_, entry);
    Members mine(type);
    usize at = 0;
    for (;;) {
      const auto more = mine.next();
      ASSERT_TRUE(more);
      if (!*more) break;
      ASSERT_LT(at, theirs.size());
      const Member& member = mine.member();
      ASSERT_TRUE(member.offset) << member.offset.error().words;
      ASSERT_EQ(member.name, std::get<0>(theirs[at]));
      if (!member.bits) ASSERT_EQ(*member.offset, std::get<1>(theirs[at])) << member.name;
      ++at;
      ++members_seen;
    }
    ASSERT_EQ(at, theirs.size());
  }

  static u64 member_offset(Dwarf_Die& member) {
    Dwarf_Attribute attribute;
    if (!dwarf_attr(&member, DW_AT_data_member_location, &attribute)) return 0;
    Dwarf_Word number;
    if (dwarf_formudata(&attribute, &number) == 0) return number;
    Dwarf_Op* operations;
    size_t count;
    if (dwarf_getlocation(&attribute, &operations, &count) == 0 && count == 1 &&
        operations[0].atom == DW_OP_plus_uconst) {
      return operations[0].number;
    }
    ADD_FAILURE() << "a member offset that the oracle cannot read";
    return 0;
  }

  void ranges(const Entry& entry, Dwarf_Die& die) {
    if (!entry.has(at::ranges) && !entry.has(at::high_pc)) return;
    auto mine = RangeList::of_code(dwarf_, entry);
    ASSERT_TRUE(mine) << mine.error().words;
    Dwarf_Addr base, begin, end;
    ptrdiff_t at = 0;
    for (;;) {
      const auto more = mine->next();
      ASSERT_TRUE(more) << more.error().words;
      // libdw gives the empty ranges too, and those that the linker made run backwards.
      do {
        at = dwarf_ranges(&die, at, &base, &begin, &end);
      } while (at > 0 && begin >= end);
      ASSERT_EQ(*more, at > 0) << std::hex << entry.offset();
      if (!*more) break;
      ASSERT_EQ(mine->range().begin, begin);
      ASSERT_EQ(mine->range().end, end);
      ++ranges_seen;
    }
  }

  void location(const Entry& entry, Dwarf_Die& die) {
    Dwarf_Attribute attribute;
    if (!dwarf_attr(&die, DW_AT_location, &attribute)) return;
    const auto mine = entry.find(at::location);
    if (Dwarf::block(*mine)) {
      const auto fixed = fixed_address(dwarf_, entry);
      const auto theirs = oracle_address(attribute);
      ASSERT_EQ(fixed.value_or(std::nullopt), theirs) << std::hex << entry.offset();
      addresses_seen += theirs.has_value();
      return;
    }
    auto list = RangeList::of_locations(dwarf_, entry.unit(), *mine);
    ASSERT_TRUE(list) << list.error().words;
    Dwarf_Addr base, begin, end;
    Dwarf_Op* operations;
    size_t count;
    ptrdiff_t at = 0;
    for (;;) {
      const auto more = list->next();
      ASSERT_TRUE(more) << more.error().words;
      do {
        at = dwarf_getlocations(&attribute, at, &base, &begin, &end, &operations, &count);
        ASSERT_GE(at, 0) << dwarf_errmsg(-1);
      } while (at > 0 && begin >= end);
      ASSERT_EQ(*more, at > 0) << std::hex << entry.offset();
      if (!*more) break;
      ASSERT_EQ(list->range().begin, begin);
      ASSERT_EQ(list->range().end, end);
      expression(entry, list->expression(), operations, count);
      ++locations_seen;
    }
  }

  /// One operation alone: what it says must be the same.
  void expression(const Entry& entry, Bytes bytes, const Dwarf_Op* operations, size_t count) {
    const auto mine = evaluate(dwarf_, entry.unit(), bytes);
    if (count != 1) return;
    const u8 code = operations[0].atom;
    if (code >= DW_OP_reg0 && code <= DW_OP_reg31) {
      ASSERT_TRUE(mine);
      ASSERT_EQ(mine->kind, Location::Kind::in_register);
      ASSERT_EQ(mine->number, code - DW_OP_reg0);
    } else if (code >= DW_OP_breg0 && code <= DW_OP_breg31) {
      ASSERT_TRUE(mine);
      ASSERT_EQ(mine->kind, Location::Kind::at_register);
      ASSERT_EQ(mine->value, operations[0].number);
    } else if (code == DW_OP_fbreg) {
      ASSERT_TRUE(mine);
      ASSERT_EQ(mine->kind, Location::Kind::at_frame);
      ASSERT_EQ(mine->value, operations[0].number);
    }
  }

  static std::optional<u64> oracle_address(Dwarf_Attribute& attribute) {
    Dwarf_Op* operations;
    size_t count;
    if (dwarf_getlocation(&attribute, &operations, &count) != 0 || count == 0) return std::nullopt;
    u64 address = operations[0].number;
    if (operations[0].atom == DW_OP_addrx || operations[0].atom == DW_OP_GNU_addr_index) {
      Dwarf_Attribute indexed;
      Dwarf_Addr value;
      if (dwarf_getlocation_attr(&attribute, &operations[0], &indexed) != 0) return std::nullopt;
      if (dwarf_formaddr(&indexed, &value) != 0) return std::nullopt;
      address = value;
    } else if (operations[0].atom != DW_OP_addr) {
      return std::nullopt;
    }
    if (count == 2 && operations[1].atom == DW_OP_plus_uconst) return address + operations[1].number;
    return count == 1 ? std::optional(address) : std::nullopt;
  }

  static constexpr u64 lowest_address = 0x1000;

  using RowKey = std::tuple<u64, u64, u64, bool, bool, std::string>;

  void lines(const Unit& unit) {
    Dwarf_Die root = die_of(unit, unit.first);
    Dwarf_Lines* lines;
    size_t count;
    Dwarf_Attribute attribute;
    auto table = LineTable::of(dwarf_, unit);
    if (dwarf_getsrclines(&root, &lines, &count) != 0) {
      ASSERT_FALSE(table) << "a line table where libdw has none";
      return;
    }
    ASSERT_TRUE(table) << table.error().words;
    std::vector<RowKey> mine, theirs;
    const char* directory = dwarf_formstring(dwarf_attr(&root, DW_AT_comp_dir, &attribute));
    for (size_t i = 0; i < count; ++i) theirs.push_back(row_of(dwarf_onesrcline(lines, i), directory ? directory : ""));
    // What the linker dropped lies at 0, rows over rows; libdw joins these as it likes.
    std::erase_if(theirs, [](const RowKey& row) { return std::get<0>(row) < lowest_address; });
    for (;;) {
      const auto more = table->next();
      ASSERT_TRUE(more) << more.error().words << " at " << more.error().offset;
      if (!*more) break;
      const Row row = table->row();
      if (row.address < lowest_address) continue;
      const auto file = table->file(row.file);
      ASSERT_TRUE(file) << file.error().words;
      mine.emplace_back(row.address, row.line.value_or(0), row.column, row.is_statement, row.ends_sequence,
                        without(file->compiled_in, *file));
    }
    // libdw keeps the rows in order of address.
    std::ranges::sort(mine);
    std::ranges::sort(theirs);
    ASSERT_EQ(mine.size(), theirs.size());
    for (usize i = 0; i < mine.size(); ++i) ASSERT_EQ(mine[i], theirs[i]) << "row " << i;
    rows_seen += mine.size();
  }

  /// libdw leaves a relative directory as it is; we put that of the compiler before it. Without it both are the same.
  static std::string without(std::string_view directory, std::string path) {
    if (!directory.empty() && path.starts_with(std::string(directory) + "/")) path.erase(0, directory.size() + 1);
    return path;
  }
  static std::string without(std::string_view directory, const FileName& file) {
    std::array<char, 1024> buffer{};
    return without(directory, std::string(spell(file, buffer)));
  }

  static RowKey row_of(Dwarf_Line* line, std::string_view directory) {
    Dwarf_Addr address;
    int number, column;
    bool is_statement, ends;
    dwarf_lineaddr(line, &address);
    dwarf_lineno(line, &number);
    dwarf_linecol(line, &column);
    dwarf_linebeginstatement(line, &is_statement);
    dwarf_lineendsequence(line, &ends);
    return {address,      number, column,
            is_statement, ends,   without(directory, std::string(dwarf_linesrc(line, nullptr, nullptr)))};
  }

  /// At some addresses of each function: the chain of expanded calls.
  void functions() {
    for (const Unit& unit : dwarf_.units()) {
      if (unit.is_type_unit()) continue;
      Walk walk(dwarf_, unit);
      for (auto more = walk.next(); more && *more; more = walk.next()) {
        if (walk.entry().tag() != tag::subprogram) continue;
        auto ranges = RangeList::of_code(dwarf_, walk.entry());
        ASSERT_TRUE(ranges);
        for (auto found = ranges->next(); found && *found; found = ranges->next()) {
          const Range range = ranges->range();
          if (range.begin < lowest_address) continue;
          const u64 step = std::max<u64>(2, (range.end - range.begin) / 24 & ~u64{1});
          for (u64 pc = range.begin; pc < range.end; pc += step) function_at(unit, pc);
          if (::testing::Test::HasFailure()) return;
        }
      }
    }
  }

  /// The functions and expanded calls at `pc`, innermost first. (dwarf_getscopes() does not look into namespaces.)
  static void instances(Dwarf_Die& die, u64 pc, std::vector<u64>& out) {
    Dwarf_Die child;
    if (dwarf_child(&die, &child) != 0) return;
    do {
      const int tag = dwarf_tag(&child);
      const bool is_code = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
      const bool is_block = tag == DW_TAG_lexical_block && dwarf_hasattr_integrate(&child, DW_AT_low_pc);
      const bool holds = !(is_code || is_block) || dwarf_haspc(&child, pc) > 0;
      // GCC puts a lambda's function, which has its own place, into the one around it.
      if (!holds && tag != DW_TAG_subprogram) continue;
      instances(child, pc, out);
      if (is_code && holds) out.push_back(dwarf_dieoffset(&child));
    } while (dwarf_siblingof(&child, &child) == 0);
  }

  void function_at(const Unit& unit, u64 pc) {
    Dwarf_Die root = die_of(unit, unit.first);
    std::vector<u64> theirs;
    instances(root, pc, theirs);
    std::array<Place, 32> places;
    const usize found = info_.places_at(pc, places);
    std::vector<u64> mine;
    for (usize i = 0; i < found; ++i) mine.push_back(places[i].entry ? places[i].entry->offset() : 0);
    ASSERT_EQ(mine, theirs) << std::hex << pc;
    ++functions_seen;
    Dwarf_Line* line = dwarf_getsrc_die(&root, pc);
    if (!line) return;
    int number;
    dwarf_lineno(line, &number);
    // Of several rows at one address libdw takes any; the last is the one that holds.
    Dwarf_Addr address;
    dwarf_lineaddr(line, &address);
    if (is_ambiguous(root, address)) return;
    ASSERT_EQ(places[0].line.value_or(0), static_cast<u32>(number)) << std::hex << pc;
  }

  bool is_ambiguous(Dwarf_Die& root, u64 address) {
    auto& counts = rows_at_[root.addr];
    if (counts.empty()) {
      Dwarf_Lines* lines;
      size_t count;
      dwarf_getsrclines(&root, &lines, &count);
      for (size_t i = 0; i < count; ++i) {
        Dwarf_Addr at;
        dwarf_lineaddr(dwarf_onesrcline(lines, i), &at);
        ++counts[at];
      }
    }
    return counts[address] > 1;
  }

  void symbols() {
    usize count = 0;
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(oracle_.elf, section)) != nullptr;) {
      GElf_Shdr header;
      gelf_getshdr(section, &header);
      if (header.sh_type != SHT_SYMTAB) continue;
      Elf_Data* data = elf_getdata(section, nullptr);
      for (u64 i = 0; i < header.sh_size / header.sh_entsize; ++i) {
        GElf_Sym symbol;
        gelf_getsym(data, static_cast<int>(i), &symbol);
        const int type = GELF_ST_TYPE(symbol.st_info);
        const char* name = elf_strptr(oracle_.elf, header.sh_link, symbol.st_name);
        if (symbol.st_shndx == SHN_UNDEF || type == STT_SECTION || type == STT_FILE || !*name || *name == '.' ||
            *name == '$') {
          continue;
        }
        ++count;
        const auto same = [&](const Symbol& mine) {
          return mine.name == name && mine.address == symbol.st_value && mine.size == symbol.st_size;
        };
        ASSERT_TRUE(std::ranges::any_of(info_.symbols().all(), same)) << name;
        if (type != STT_FUNC || symbol.st_size == 0) continue;
        const Symbol* inside = info_.symbols().at(symbol.st_value + symbol.st_size - 1);
        ASSERT_TRUE(inside) << name;
        ASSERT_LE(inside->address, symbol.st_value + symbol.st_size - 1) << name;
      }
    }
    ASSERT_EQ(count, info_.symbols().all().size());
  }

  const DebugInfo& info_;
  const class Dwarf& dwarf_;
  Oracle& oracle_;
  std::map<void*, std::map<u64, int>> rows_at_;
};

void compare(const std::string& path, const std::vector<std::byte>& file) {
  Memory memory;
  const auto info = DebugInfo::open(file, memory.arena());
  ASSERT_TRUE(info) << info.error().words;
  ASSERT_TRUE((*info)->dwarf()) << (*info)->why_not()->words;
  ASSERT_FALSE((*info)->damage());
  Oracle oracle(path);
  ASSERT_TRUE(oracle.dwarf) << dwarf_errmsg(-1);
  Comparison comparison(**info, oracle);
  comparison.run();
  std::printf("%zu entries, %zu attributes, %zu members, %zu ranges, %zu locations, %zu addresses, %zu rows, %zu pcs\n",
              comparison.entries_seen, comparison.attributes_seen, comparison.members_seen, comparison.ranges_seen,
              comparison.locations_seen, comparison.addresses_seen, comparison.rows_seen, comparison.functions_seen);
  EXPECT_GT(comparison.members_seen, 0U);
  EXPECT_GT(comparison.rows_seen, 20U);
  EXPECT_GT(comparison.functions_seen, 10U);
}

class Compiled : public testing::TestWithParam<Build> {};

TEST_P(Compiled, ReadsAsLibdwDoes) {
  std::string complaint;
  const auto file = compiled(GetParam(), complaint);
  ASSERT_TRUE(file) << complaint;
  if (!GetParam().oracle_can_read) return;
  compare(path_of(GetParam()), *file);
}

INSTANTIATE_TEST_SUITE_P(Corpus, Compiled, testing::ValuesIn(builds()),
                         [](const auto& info) { return info.param.name; });

/// Bifolium's own kernels, with and without link-time optimisation: 50,000 entries each. libdw 0.188 calls the address
/// ranges of GCC's kernel invalid, so that one has no oracle.
TEST(Kernels, ReadAsLibdwDoes) {
  bool any = false;
  for (const std::string kernel : {"debug/kernel-unified", "release/kernel-unified"}) {
    const std::string path = std::string(VELLUM_CORPUS) + "/../../../build/" + kernel;
    const auto file = file_at(path);
    if (!file) continue;
    any = true;
    SCOPED_TRACE(kernel);
    compare(path, *file);
  }
  if (!any) GTEST_SKIP() << "no kernel is built";
}

}  // namespace
}  // namespace vellum::debug::test
