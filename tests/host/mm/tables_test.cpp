// SPDX-License-Identifier: MIT
// Strategy: what TableSource guards with lib::bug, each broken once on purpose; its ordinary life is in every other
// test of kernel/mm.
#include "mm/tables.hpp"

#include <gtest/gtest.h>

#include "mm/machine.hpp"

namespace {

using namespace mm_test;

class TablesDeathTest : public ::testing::Test {
 protected:
  Ppn table() {
    tables_.want(Level::base, va);
    EXPECT_TRUE(tables_.reserve());
    return tables_.take(Level::base, va);
  }
  static constexpr VirtAddr va{u64{1} << 37};

  Machine machine_{{.ram_bytes = u64{8} << 20}};
  FrameReservation spares_;
  TableSource tables_{spares_};
};

TEST_F(TablesDeathTest, ASuperpageHasItsDepositAndATableNoEntriesWhenItGoes) {
  const Ppn upper = table(), lower = table();
  EXPECT_DEATH((void)tables_.withdraw(upper), "without a table in deposit");
  tables_.deposit(upper, lower);
  EXPECT_DEATH(tables_.give_back(upper), "while it holds deposits");
  EXPECT_EQ(tables_.withdraw(upper), lower);
#if BIFOLIUM_DEBUG
  TableMemory{}.table(lower).store(5, Pte::table(upper));
  EXPECT_DEATH(tables_.give_back(lower), "with entries in it");
  TableMemory{}.table(lower).store(5, Pte());
#endif
  tables_.give_back(lower);
  tables_.give_back(upper);
}

}  // namespace
