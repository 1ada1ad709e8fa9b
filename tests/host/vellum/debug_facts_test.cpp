// What the reader says of a program, held against what its compiler said: tests/guests/debug/shapes.c carries a table
// of its own members' offsets and sizes, so that no other reader has to be believed. Beside it the things that only
// words can answer: what has no offset, no size, no address.

#include <array>
#include <cstring>
#include <fstream>
#include <string>

#include "vellum/compiled.hpp"
#include "vellum/debug/chain.hpp"
#include "vellum/debug/debug_info.hpp"

namespace vellum::debug::test {
namespace {

class Facts : public testing::TestWithParam<Build> {
 protected:
  void SetUp() override {
    std::string complaint;
    auto read = compiled(GetParam(), complaint);
    ASSERT_TRUE(read) << complaint;
    file_ = std::move(*read);
    const auto opened = DebugInfo::open(file_, memory_.arena());
    ASSERT_TRUE(opened) << opened.error().words;
    info_ = *opened;
    ASSERT_TRUE(info_->dwarf()) << info_->why_not()->words;
    ASSERT_FALSE(info_->damage());
  }

  [[nodiscard]] u64 word_at(u64 address) const {
    const Bytes bytes = info_->elf().loaded(address, 8);
    u64 value = 0;
    if (bytes.size() == 8) std::memcpy(&value, bytes.data(), 8);
    return value;
  }

  [[nodiscard]] std::string text_at(u64 address) const {
    const Bytes bytes = info_->elf().loaded(address, 64);
    const std::string all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return all.substr(0, all.find('\0'));
  }

  /// The definition of a structure or union.
  [[nodiscard]] std::optional<Type> type_named(std::string_view name) const {
    std::optional<Type> found;
    for (const Unit& unit : info_->dwarf()->units()) {
      (void)visit(*info_->dwarf(), unit, [&](const Entry& entry, const Scope&) {
        const bool fits =
            entry.tag() == tag::structure_type || entry.tag() == tag::union_type || entry.tag() == tag::class_type;
        if (fits && !entry.flag(at::declaration) && info_->dwarf()->name(entry).value_or(std::string_view()) == name) {
          found = Type::described_by(*info_->dwarf(), entry);
          return Next::stop;
        }
        return Next::into;
      });
    }
    return found;
  }

  /// A member, also one of an anonymous structure inside, with its offset from the outermost structure.
  [[nodiscard]] std::optional<Member> member(const Type& type, std::string_view name) const {
    Members members(type);
    for (auto more = members.next(); more && *more; more = members.next()) {
      const Member& one = members.member();
      if (one.name == name) return one;
      if (!one.name.empty()) continue;
      const auto inner = Type::of(*info_->dwarf(), one.entry);
      if (!inner) continue;
      if (auto found = member(*inner, name)) {
        found->offset = *found->offset + *one.offset;
        return found;
      }
    }
    return std::nullopt;
  }

  std::vector<std::byte> file_;
  Memory memory_;
  const DebugInfo* info_ = nullptr;
};

class FactsOfC : public Facts {};
class FactsOfCxx : public Facts {};

TEST_P(FactsOfC, EveryMemberIsWhereItsCompilerPutIt) {
  const auto facts = info_->variable("facts");
  // Link-time optimisation leaves out what nobody reads.
  if (!facts) GTEST_SKIP() << facts.error().words;
  const auto array = facts->type.stripped();
  ASSERT_TRUE(array);
  ASSERT_EQ(array->kind(), TypeKind::array);
  const auto bound = array->bound(0);
  ASSERT_TRUE(bound);
  ASSERT_EQ(bound->count, 18U);
  for (u64 i = 0; i < bound->count; ++i) {
    const u64 at = facts->address + i * 32;
    const std::string type_name = text_at(word_at(at));
    const std::string name = text_at(word_at(at + 8));
    SCOPED_TRACE(type_name + "." + name);
    const auto type = type_named(type_name);
    ASSERT_TRUE(type);
    const auto found = member(*type, name);
    ASSERT_TRUE(found);
    ASSERT_TRUE(found->offset) << found->offset.error().words;
    EXPECT_EQ(*found->offset, word_at(at + 16));
    const auto member_type = Type::of(*info_->dwarf(), found->entry);
    ASSERT_TRUE(member_type);
    const auto size = member_type->size();
    if (name == "tail") {
      ASSERT_FALSE(size);
      EXPECT_EQ(size.error().words, "an array without bounds has no size");
    } else if (name == "none" && !size) {
      // GCC writes no bound at all for `int none[0]`.
      EXPECT_EQ(size.error().words, "an array without bounds has no size");
    } else {
      ASSERT_TRUE(size) << size.error().words;
      EXPECT_EQ(*size, word_at(at + 24));
    }
  }
}

TEST_P(FactsOfC, BitFieldsAreCountedFromTheStart) {
  const auto type = type_named("shapes");
  if (!type) GTEST_SKIP() << "optimised away";
  const auto bits = [&](std::string_view name) {
    const auto found = member(*type, name);
    return found && found->bits ? std::pair(found->bits->first, found->bits->count) : std::pair<u64, u64>(~u64{0}, 0);
  };
  EXPECT_EQ(bits("low"), std::pair(u64{8}, u64{3}));
  EXPECT_EQ(bits("high"), std::pair(u64{11}, u64{9}));
  EXPECT_EQ(bits("below"), std::pair(u64{20}, u64{5}));
  const auto wide = bits("wide");
  EXPECT_EQ(wide.second, 40U);
  const auto sign = member(*type, "sign");
  ASSERT_TRUE(sign);
  EXPECT_LE(wide.first + wide.second, *sign->offset * 8);
  const auto first = member(*type, "first");
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->bits);
}

TEST_P(FactsOfC, TypesAreWhatTheSourceSays) {
  const auto type = type_named("shapes");
  if (!type) GTEST_SKIP() << "optimised away";
  const auto type_of = [&](std::string_view name) { return Type::of(*info_->dwarf(), member(*type, name)->entry); };
  const auto pointer = type_of("pointer")->stripped();
  ASSERT_EQ(pointer->kind(), TypeKind::pointer);
  const auto watched = pointer->target();
  EXPECT_EQ(watched->kind(), TypeKind::qualified);
  EXPECT_EQ(*watched->stripped()->size(), 8U);
  EXPECT_FALSE(watched->stripped()->is_signed());
  EXPECT_EQ(type_of("call")->stripped()->target()->kind(), TypeKind::function);
  EXPECT_EQ(type_of("real")->kind(), TypeKind::floating);
  EXPECT_EQ(type_of("yes")->kind(), TypeKind::boolean);
  EXPECT_TRUE(type_of("inner")->is_signed());
  EXPECT_EQ(type_of("both")->kind(), TypeKind::union_);
  EXPECT_EQ(*type_of("next")->target()->name(), "shapes");
  const auto table = type_of("table");
  EXPECT_EQ(*table->dimensions(), 2U);
  EXPECT_EQ(table->bound(0)->count, 3U);
  EXPECT_EQ(table->bound(1)->count, 5U);
  EXPECT_EQ(table->bound(2).error().words, "an array does not have so many dimensions");
  EXPECT_EQ(type_of("tail")->bound(0)->kind, Bound::Kind::open);
  const auto sign = type_of("sign");
  ASSERT_EQ(sign->kind(), TypeKind::enumeration);
  EXPECT_TRUE(sign->is_signed());
  Enumerators values(*sign);
  std::string all;
  for (auto more = values.next(); more && *more; more = values.next()) {
    all += std::string(values.enumerator().name) + "=" + std::to_string(*values.enumerator().value) + " ";
  }
  EXPECT_EQ(all, "minus=-3 nothing=0 plus=300 ");
  // A structure that this unit only announces.
  const auto later = type_of("unknown")->target();
  if (later->is_declaration()) EXPECT_EQ(later->size().error().words, "the type is only declared here, not defined");
}

TEST_P(FactsOfC, VariablesAreFoundByName) {
  for (const std::string_view name : {"shapes", "grid", "elsewhere"}) {
    const Symbol* const symbol = info_->symbols().find(name);
    if (!symbol) continue;
    const auto variable = info_->variable(name);
    ASSERT_TRUE(variable) << name << ": " << variable.error().words;
    EXPECT_EQ(variable->address, symbol->address) << name;
    EXPECT_EQ(variable->type.size().value_or(0), name == "shapes" ? *type_named("shapes")->size() : symbol->size)
        << name;
  }
  EXPECT_EQ(info_->variable("nonsense").error().words, "no variable of that name has an address");
  const auto local = info_->variable("sum");
  EXPECT_FALSE(local);
  // A static of a function goes by its name there as well.
  const auto calls = info_->variable("leaf::calls");
  if (calls) EXPECT_EQ(info_->variable("calls")->address, calls->address);
}

/// The number of the first line of a source that has this text.
std::string line_of(const std::string& source, std::string_view text) {
  std::ifstream in(std::string(VELLUM_CORPUS) + "/" + source);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.find(text) != std::string::npos) return std::to_string(number);
  }
  return "none";
}

/// "file:line" and function for each level of a place.
std::string shown(const Place& place) {
  std::string file = place.file ? std::string(place.file->name) : "?";
  file = file.substr(file.rfind('/') + 1);
  return std::string(place.function) + "@" + file + ":" + (place.line ? std::to_string(*place.line) : "?");
}

TEST_P(FactsOfC, AssemblerHasLinesAndSymbols) {
  const Symbol* const handler = info_->symbols().find("handler");
  if (!handler) GTEST_SKIP() << "link-time optimisation without assembler";
  std::array<Place, 4> places;
  ASSERT_EQ(info_->places_at(handler->address + 1, places), 1U);
  EXPECT_EQ(places[0].offset, 1U);
  EXPECT_EQ(shown(places[0]), "handler@entry.S:" + line_of("entry.S", "nop"));
  EXPECT_EQ(info_->places_at(0x1234, places), 0U);
}

TEST_P(FactsOfC, ExpandedCallsHaveNames) {
  const Symbol* const middle = info_->symbols().find("middle");
  if (!middle || middle->size == 0) GTEST_SKIP() << "optimised away";
  if (GetParam().name == "gcc_c_strict2") GTEST_SKIP() << "DWARF 2 has no words for code in several pieces";
  bool seen = false;
  for (u64 pc = middle->address; pc < middle->address + middle->size; pc += 2) {
    std::array<Place, 8> places;
    const usize count = info_->places_at(pc, places);
    ASSERT_GE(count, 1U);
    EXPECT_EQ(places[count - 1].function, "middle");
    if (count < 3 || places[0].function != "twice") continue;
    EXPECT_EQ(places[1].function, "four_times");
    // With one room less the innermost are kept.
    std::array<Place, 2> fewer;
    ASSERT_EQ(info_->places_at(pc, fewer), 2U);
    EXPECT_EQ(fewer[0].function, "twice");
    EXPECT_EQ(shown(places[2]), "middle@shapes.c:" + line_of("shapes.c", "int step = four_times(i);"));
    seen = true;
  }
  EXPECT_TRUE(seen) << "four_times() and twice() are expanded in middle()";
}

TEST_P(FactsOfCxx, NamesHaveTheirScopes) {
  const auto table = info_->variable("memory::the_table");
  if (!table) GTEST_SKIP() << "optimised away";
  EXPECT_EQ(info_->variable("the_table")->address, table->address);
  const auto type = table->type.stripped();
  ASSERT_TRUE(type);
  EXPECT_EQ(*type->name(), "Table");
  const auto base = member(*type, "base_value");
  ASSERT_TRUE(base);
  EXPECT_EQ(*base->offset, 8U);
  const auto ranges = member(*type, "ranges_");
  ASSERT_TRUE(ranges);
  EXPECT_EQ(*ranges->offset, 16U);
  EXPECT_EQ(*Type::of(*info_->dwarf(), ranges->entry)->size(), 96U);
  EXPECT_EQ(*Type::of(*info_->dwarf(), member(*type, "reference_")->entry)->size(), 8U);
  const auto mode = Type::of(*info_->dwarf(), member(*type, "mode_")->entry);
  EXPECT_EQ(*mode->size(), 1U);
  EXPECT_FALSE(mode->is_signed());
}

TEST_P(FactsOfCxx, MemberFunctionsHaveTheScopeOfTheirDeclaration) {
  const Symbol* const sum = info_->symbols().find("_ZNK6memory5Table3sumEi");
  if (!sum) GTEST_SKIP() << "optimised away";
  std::array<Place, 4> places;
  const usize count = info_->places_at(sum->address, places);
  ASSERT_GE(count, 1U);
  const Place& outer = places[count - 1];
  EXPECT_EQ(outer.function, "sum");
  const auto scope = scope_of(*info_->dwarf(), *outer.entry);
  ASSERT_TRUE(scope);
  std::array<char, 64> text{};
  EXPECT_EQ(spell(*scope, outer.function, text), "memory::Table::sum");
  std::array<char, 8> little{};
  EXPECT_EQ(spell(*scope, outer.function, little), "memory::");
}

std::vector<Build> of(std::string_view source) {
  std::vector<Build> chosen;
  for (const Build& build : builds()) {
    if (build.source == source) chosen.push_back(build);
  }
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(Corpus, FactsOfC, testing::ValuesIn(of("c")),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Corpus, FactsOfCxx, testing::ValuesIn(of("c++")),
                         [](const auto& info) { return info.param.name; });

/// Frames that lie as the code of a real program makes them.
TEST(Chain, FollowsFramesUpwardsAndNoFurther) {
  std::string complaint;
  const Build& build = builds()[0];  // gcc, -O0: every function has a frame
  const auto file = compiled(build, complaint);
  ASSERT_TRUE(file) << complaint;
  Memory memory;
  const auto info = DebugInfo::open(*file, memory.arena());
  ASSERT_TRUE(info);
  const Symbols& symbols = (*info)->symbols();
  const u64 leaf = symbols.find("leaf")->address;
  const u64 middle = symbols.find("middle")->address;
  const u64 start = symbols.find("_start")->address;
  // Made at the entry, there from the first instructions on, gone at the return.
  const Symbol& whole = *symbols.find("leaf");
  EXPECT_FALSE(has_frame((*info)->elf(), leaf, leaf));
  EXPECT_TRUE(has_frame((*info)->elf(), leaf, leaf + whole.size / 2));
  EXPECT_FALSE(has_frame((*info)->elf(), leaf, leaf + whole.size - 2));

  // stack[i] is at 0x90000000 + 8 i: two frames, the outer one ends the chain.
  std::array<u64, 16> stack{};
  const u64 base = 0x9000'0000;
  stack[2] = base + 64;    // caller's fp, at fp - 16 of the frame at base + 32
  stack[3] = middle + 20;  // its return address, at fp - 8
  stack[6] = 0;
  stack[7] = start + 12;
  const auto word = [&](u64 address) -> std::optional<u64> {
    if (address < base || address - base >= sizeof stack) return std::nullopt;
    return stack[(address - base) / 8];
  };
  std::array<u64, 8> chain{};
  const Registers inside{leaf + whole.size / 2, 0, base + 32};
  EXPECT_EQ(call_chain((*info)->elf(), inside, leaf, word, chain), 3U);
  EXPECT_EQ(chain[1], middle + 20);
  EXPECT_EQ(chain[2], start + 12);
  // Before the frame is made the return address is in ra, and s0 is the caller's.
  const Registers entry{leaf, middle + 20, base + 64};
  EXPECT_EQ(call_chain((*info)->elf(), entry, leaf, word, chain), 3U);
  EXPECT_EQ(chain[1], middle + 20);
  EXPECT_EQ(chain[2], start + 12);
  // A circle, a frame below, one that is nowhere, an address that is no code: all end the chain.
  stack[6] = base + 32;
  EXPECT_EQ(call_chain((*info)->elf(), inside, leaf, word, chain), 3U);
  stack[7] = 0x1234;
  EXPECT_EQ(call_chain((*info)->elf(), inside, leaf, word, chain), 2U);
  EXPECT_EQ(call_chain((*info)->elf(), {leaf + whole.size / 2, 0, 0x1000}, leaf, word, chain), 1U);
  EXPECT_EQ(call_chain((*info)->elf(), {leaf + whole.size / 2, 0, base + 33}, leaf, word, chain), 1U);
  EXPECT_EQ(call_chain((*info)->elf(), inside, leaf, word, std::span(chain).first(2)), 2U);
}

TEST(Open, SaysWhatIsMissing) {
  const auto words = [](Bytes file) {
    Memory memory;
    const auto info = DebugInfo::open(file, memory.arena());
    return info ? std::string((*info)->why_not() ? (*info)->why_not()->words : "fine")
                : std::string(info.error().words);
  };
  EXPECT_EQ(words({}), "not an ELF file");
  std::string complaint;
  const Build& build = builds()[0];
  auto file = compiled(build, complaint);
  ASSERT_TRUE(file) << complaint;
  EXPECT_EQ(words(*file), "fine");
  EXPECT_EQ(words(std::span(*file).first(40)), "an ELF file that is cut off in its header");
  EXPECT_EQ(words(std::span(*file).first(file->size() / 2)),
            "the ELF file is cut off: its section headers are missing");
  auto other = *file;
  other[4] = std::byte{1};
  EXPECT_EQ(words(other), "an ELF file, but not a 64-bit one");
  other = *file;
  other[5] = std::byte{2};
  EXPECT_EQ(words(other), "an ELF file, but not a little-endian one");

  const std::string stripped = path_of(build) + ".stripped";
  ASSERT_EQ(std::system(("llvm-objcopy-19 --strip-debug " + path_of(build) + " " + stripped).c_str()), 0);
  EXPECT_EQ(words(*file_at(stripped)),
            "the file has no debug information (.debug_info); compile with -g, and do not strip");
  const std::string packed = path_of(build) + ".packed";
  ASSERT_EQ(std::system(("llvm-objcopy-19 --compress-debug-sections=zlib " + path_of(build) + " " + packed).c_str()),
            0);
  EXPECT_EQ(words(*file_at(packed)), "the section is compressed; objcopy --decompress-debug-sections undoes that");

  // Without debug information, symbols.
  const auto bare = file_at(stripped);
  Memory memory;
  const auto info = DebugInfo::open(*bare, memory.arena());
  ASSERT_TRUE(info);
  std::array<Place, 2> places;
  ASSERT_EQ((*info)->places_at((*info)->symbols().find("middle")->address + 6, places), 1U);
  EXPECT_EQ(places[0].function, "middle");
  EXPECT_EQ(places[0].offset, 6U);
  EXPECT_FALSE(places[0].line);

  Memory little(1 << 10);
  const auto refused = DebugInfo::open(*file, little.arena());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().words, "the memory given for the debug information's index is too small");
}

}  // namespace
}  // namespace vellum::debug::test
