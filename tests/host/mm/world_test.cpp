// SPDX-License-Identifier: MIT
// Strategy: long random runs of a world of processes (world.hpp): exec, fork, exit, sbrk in all modes, mmap, munmap,
// loads, stores and fetches through MMU and TLB, user copies, scheduling on several harts, injected allocation and
// read failures, all against an oracle in ordinary containers. Each step's answer is compared with the oracle's, then
// the regions and some pages of the process it touched, and the TLB model has its say; every so often the invariant
// checker runs and every byte of every process is compared; at the end every frame must be back.
// The seed is printed and can be given in BIFOLIUM_SEED. BIFOLIUM_OPS sets the number of operations of all random tests
// of sv39 and mm together: the worlds of this file do 60 % of them, 15 % each in the other two views, and
// sv39/cursor_random_test.cpp 10 %.
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

// The other views' builds of this file do less: what differs there is little.
#if !defined(WORLD_PERCENT)
#define WORLD_PERCENT 60
#endif
constexpr u64 default_operations = 300000;

struct Variant {
  const char* name;
  WorldOptions options;
  u64 share;  // of this view's operations, in percent
};

class WorldTest : public ::testing::TestWithParam<Variant> {};

TEST_P(WorldTest, AgreesWithTheOracle) {
  const u64 operations = number_from("BIFOLIUM_OPS", default_operations) * WORLD_PERCENT / 100 * GetParam().share / 100;
  const u64 first_seed = number_from("BIFOLIUM_SEED", 20260101);
  constexpr u64 episode = 10000;
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
  if (operations > 5000) EXPECT_EQ(coverage.size(), 18u) << "an operation never ran";
}

INSTANTIATE_TEST_SUITE_P(
    Worlds, WorldTest,
    ::testing::Values(
        Variant{"roomy", {.machine = {.ram_bytes = u64{64} << 20}}, 38},
        Variant{"tight", {.machine = {.ram_bytes = u64{6} << 20}}, 30},
        Variant{"superpages", {.machine = {.ram_bytes = u64{48} << 20}, .harts = 2, .most_spaces = 3}, 20},
        Variant{"few_asids", {.machine = {.ram_bytes = u64{16} << 20, .asid_mask = 0x7}, .harts = 4}, 5},
        Variant{"no_asids", {.machine = {.ram_bytes = u64{16} << 20, .asid_mask = 0}, .harts = 2}, 5},
        // The invariants after each step: names the very step that broke one.
        Variant{"closely", {.machine = {.ram_bytes = u64{8} << 20}, .verify_every = 8, .check_every = 1}, 2}),
    [](const auto& info) { return info.param.name; });

}  // namespace
