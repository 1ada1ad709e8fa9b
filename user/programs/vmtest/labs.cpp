// SPDX-License-Identifier: MIT
// What the labs' wing writes into a program's memory, and what it knows of the boot.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

void sysinfo_writes_into_untouched_memory() {
  auto* info = reinterpret_cast<abi::Sysinfo*>(grow_lazily(2 * page) + page);
  EXPECT_EQ(system_call(abi::Call::sysinfo, as_word(info)), 0);
  EXPECT(info->free_bytes > 0);
}

void figures_of_the_boot() {
  const abi::VmStat stat = counters();
  EXPECT(stat.prompt_instructions > 0 && stat.boot_instructions > 0);
  // Each hart counts its own instructions: the two can be compared where there is one.
  if (stat.harts == 1) EXPECT(stat.prompt_instructions >= stat.boot_instructions);
}

}  // namespace

std::span<const testing::Test> lab_tests() {
  static constexpr testing::Test tests[] = {
      {"sysinfo_writes_into_untouched_memory", sysinfo_writes_into_untouched_memory},
      {"figures_of_the_boot", figures_of_the_boot},
  };
  return tests;
}

}  // namespace vmtest
