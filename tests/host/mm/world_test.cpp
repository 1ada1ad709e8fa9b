// Strategy: long random runs of a world of processes (world.hpp): exec, fork, exit, sbrk in all modes, mmap, munmap,
// loads, stores and fetches through MMU and TLB, user copies, scheduling on several harts, injected allocation and
// read failures, all against an oracle in ordinary containers. After each step the TLB model has its say and the
// invariant checker runs; every so often every byte is compared; at the end every frame must be back.
// The seed is printed and can be given in BIFOLIUM_SEED; BIFOLIUM_OPS sets the number of operations.
#include "mm/world.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace {

using namespace mm_test;

u64 number_from(const char* variable, u64 otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 0) : otherwise;
}

// The other views' builds of this file do a fourth: what differs there is little.
#if !defined(WORLD_DIVISOR)
#define WORLD_DIVISOR 1
#endif
constexpr u64 default_operations = 200000;

struct Variant {
  const char* name;
  WorldOptions options;
  u64 share;  // of the operations, in percent
};

class WorldTest : public ::testing::TestWithParam<Variant> {};

TEST_P(WorldTest, AgreesWithTheOracle) {
  const u64 operations = number_from("BIFOLIUM_OPS", default_operations) * GetParam().share / 100 / WORLD_DIVISOR;
  const u64 first_seed = number_from("BIFOLIUM_SEED", 20260101);
  constexpr u64 episode = 4000;
  std::map<std::string, u64> coverage;
  u64 done = 0;
  for (u64 seed = first_seed; done < operations; ++seed) {
    Choices choices(seed);
    World world(choices, GetParam().options);
    while (world.steps() < episode && done < operations) {
      ++done;
      if (!world.step()) FAIL() << "BIFOLIUM_SEED=" << seed << " step " << world.steps() << ": " << world.problem();
    }
    if (!world.finish()) FAIL() << "BIFOLIUM_SEED=" << seed << " at the end: " << world.problem();
    for (const auto& [name, count] : world.coverage()) coverage[name] += count;
  }
  std::printf("%s: %llu operations from seed %llu\n", GetParam().name, static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(first_seed));
  if (operations > 5000) EXPECT_EQ(coverage.size(), 17u) << "an operation never ran";
}

INSTANTIATE_TEST_SUITE_P(
    Worlds, WorldTest,
    ::testing::Values(
        Variant{"roomy", {.machine = {.ram_bytes = u64{64} << 20}, .check_every = 16}, 40},
        Variant{"tight", {.machine = {.ram_bytes = u64{6} << 20}, .check_every = 1}, 30},
        Variant{"superpages",
                {.machine = {.ram_bytes = u64{48} << 20}, .harts = 2, .most_spaces = 3, .check_every = 16},
                20},
        Variant{
            "few_asids", {.machine = {.ram_bytes = u64{16} << 20, .asid_mask = 0x7}, .harts = 4, .check_every = 4}, 5},
        Variant{
            "no_asids", {.machine = {.ram_bytes = u64{16} << 20, .asid_mask = 0}, .harts = 2, .check_every = 4}, 5}),
    [](const auto& info) { return info.param.name; });

}  // namespace
