// SPDX-License-Identifier: MIT
// Nothing that a guest does may hurt the host (this runs under ASan and UBSan) or keep the machine from coming back,
// and the same malice must lead to the same state twice, with judges and without. The seed is fixed; BIFOLIUM_SEED=n
// takes another.

#include "tests/host/vellum/hostile_guest.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace vellum::test {
namespace {

u64 seed_of_test() {
  const char* given = std::getenv("BIFOLIUM_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 20260101;
}

template <class O>
u64 run_hostile(VirtioVersion version) {
  std::mt19937_64 random(seed_of_test());
  HostileGuest<O> guest([&random] { return random(); }, version);
  guest.touch_every_register();
  guest.touch_every_csr();
  for (int i = 0; i < 20'000; ++i) guest.do_something();
  return guest.hash();
}

TEST(HostileGuest, ModernDisk) {
  EXPECT_EQ(run_hostile<Unobserved>(VirtioVersion::modern), run_hostile<Unobserved>(VirtioVersion::modern));
}
TEST(HostileGuest, LegacyDisk) {
  EXPECT_EQ(run_hostile<Unobserved>(VirtioVersion::legacy), run_hostile<Unobserved>(VirtioVersion::legacy));
}
TEST(HostileGuest, Judged) {
  EXPECT_EQ(run_hostile<Judges>(VirtioVersion::modern), run_hostile<Unobserved>(VirtioVersion::modern));
}

}  // namespace
}  // namespace vellum::test
