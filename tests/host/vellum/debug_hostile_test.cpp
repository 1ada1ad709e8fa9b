// Damaged files: whatever the bytes are, the reader ends, stays inside the file, and says what it cannot read.
//
// Bytes of real programs' debug sections are changed at random, a few at a time, and everything is asked of the result.
// BIFOLIUM_OPS says how many damaged files there are; the seed is printed.

#include <cstdlib>
#include <random>

#include "vellum/compiled.hpp"
#include "vellum/debug_exercise.hpp"

namespace vellum::debug::test {
namespace {

/// Where the debug sections and the symbol table lie in the file: damage elsewhere is code that nobody reads.
std::vector<std::pair<usize, usize>> interesting(Bytes file) {
  std::vector<std::pair<usize, usize>> parts;
  const auto elf = Elf::open(file);
  if (!elf) return parts;
  for (usize i = 0; i < elf->section_count(); ++i) {
    const auto section = elf->section(i);
    if (!section || section->bytes.empty() || section->is_loaded()) continue;
    parts.emplace_back(section->bytes.data() - file.data(), section->bytes.size());
  }
  return parts;
}

class Damaged : public testing::TestWithParam<Build> {};

TEST_P(Damaged, NothingLeadsAstray) {
  std::string complaint;
  const auto whole = compiled(GetParam(), complaint);
  ASSERT_TRUE(whole) << complaint;
  const auto parts = interesting(*whole);
  ASSERT_GT(parts.size(), 5U);
  const char* const operations = std::getenv("BIFOLIUM_OPS");
  const int rounds = operations ? std::atoi(operations) / 100 + 1 : 150;
  constexpr unsigned seed = 20;
  std::printf("seed %u, %d files\n", seed, rounds);
  std::mt19937_64 random(seed);
  usize entries = 0;
  for (int round = 0; round < rounds; ++round) {
    auto file = *whole;
    for (u64 change = random() % 4 + 1; change != 0; --change) {
      const auto& [begin, size] = parts[random() % parts.size()];
      const usize at = begin + random() % size;
      // All bits, one bit, or a number that means something to whoever counts.
      const u64 kind = random() % 4;
      file[at] = kind == 0   ? std::byte{0xff}
                 : kind == 1 ? file[at] ^ std::byte(1 << random() % 8)
                 : kind == 2 ? std::byte{0}
                             : std::byte(random());
    }
    if (random() % 16 == 0) file.resize(random() % file.size());
    Memory memory(usize{64} << 20);
    entries += exercise(file, memory.arena());
  }
  // Most damage leaves most of the file readable: a reader that gives up at once would prove nothing.
  EXPECT_GT(entries, usize(rounds) * 20);
}

std::vector<Build> some() {
  std::vector<Build> chosen;
  for (const Build& build : builds()) {
    for (const std::string_view name : {"gcc_c_dwarf2_O2", "gcc_c_dwarf5_O2", "clang_c_dwarf5_O2", "clang_c_dwarf4_O2",
                                        "gcc_cxx_types4", "clang_cxx_types5", "gcc_c_dwarf64"}) {
      if (build.name == name) chosen.push_back(build);
    }
  }
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(Corpus, Damaged, testing::ValuesIn(some()), [](const auto& info) { return info.param.name; });

/// A unit that is broken does not take the others with it.
TEST(Damage, StaysInItsUnit) {
  std::string complaint;
  Build build;
  for (const Build& one : builds()) {
    if (one.name == "gcc_c_dwarf4_O0") build = one;
  }
  auto file = compiled(build, complaint);
  ASSERT_TRUE(file) << complaint;
  const auto elf = Elf::open(*file);
  ASSERT_TRUE(elf);
  const auto info_section = elf->find(".debug_info");
  ASSERT_TRUE(info_section && *info_section);
  // The first unit's version.
  (*file)[static_cast<usize>((*info_section)->bytes.data() - file->data()) + 4] = std::byte{9};
  Memory memory;
  const auto info = DebugInfo::open(*file, memory.arena());
  ASSERT_TRUE(info);
  ASSERT_TRUE((*info)->dwarf());
  ASSERT_TRUE((*info)->damage());
  EXPECT_EQ((*info)->damage()->words, "the unit is of a DWARF version other than 2 to 5");
  EXPECT_TRUE((*info)->variable("elsewhere"));
  EXPECT_FALSE((*info)->variable("grid"));
}

}  // namespace
}  // namespace vellum::debug::test
