// SPDX-License-Identifier: MIT
// Which contract an image gets, from its superblock and the boot arguments (docs/xv6-contract.md 6).
#include "labs/edition.hpp"

#include <gtest/gtest.h>

#include "labs/program_builder.hpp"

namespace {

using lab::choose_edition;
using lab::Edition;
using lab::ImageFacts;
using lab::NumberMap;
using lab::StatisticsText;
using lab::StudentCalls;
using lab::Wishes;
using process::SbrkRule;

constexpr ImageFacts image_2020{.total_blocks = 1000, .log_blocks = 30, .has_kalloctest = false};
constexpr ImageFacts image_2022{.total_blocks = 2000, .log_blocks = 30, .has_kalloctest = false};
constexpr ImageFacts image_2025{.total_blocks = 2000, .log_blocks = 31, .has_kalloctest = false};

Wishes wish(std::string_view lab) {
  Wishes wishes;
  EXPECT_TRUE(wishes.take_lab(lab)) << lab;
  return wishes;
}

TEST(Automatic, OldImages) {
  const Edition p = choose_edition(image_2022, {});
  EXPECT_EQ(p.numbers, NumberMap::automatic_legacy);
  EXPECT_EQ(p.personality.sbrk, SbrkRule::guess);
  EXPECT_EQ(p.statistics, StatisticsText::locks_kmem_and_bcache);
  EXPECT_EQ(p.personality.stack_pages, 1U);
}

TEST(Automatic, CopyCountersOnlyWhereNoLockTestIs) {
  EXPECT_EQ(choose_edition(image_2020, {}).statistics, StatisticsText::copy_counters);
  ImageFacts lock = image_2020;
  lock.has_kalloctest = true;
  EXPECT_EQ(choose_edition(lock, {}).statistics, StatisticsText::locks_kmem_and_bcache);
}

TEST(Automatic, LogSizeTells2025) {
  const Edition p = choose_edition(image_2025, {});
  EXPECT_EQ(p.numbers, NumberMap::automatic_2025);
  EXPECT_EQ(p.personality.sbrk, SbrkRule::flagged);
  EXPECT_EQ(p.statistics, StatisticsText::locks_kmem_only);
}

TEST(Lab, OverridesTheImage) {
  const Edition p = choose_edition(image_2022, wish("2025-pgtbl"));
  EXPECT_EQ(p.numbers, NumberMap::year_2025);
  EXPECT_EQ(p.personality.sbrk, SbrkRule::flagged);
  const Edition q = choose_edition(image_2025, wish("2020-pgtbl"));
  EXPECT_EQ(q.numbers, NumberMap::up_to_2023);
  EXPECT_EQ(q.personality.sbrk, SbrkRule::one_argument);
  EXPECT_EQ(q.statistics, StatisticsText::copy_counters);
  EXPECT_EQ(choose_edition(image_2022, wish("2024-net")).numbers, NumberMap::year_2024);
}

TEST(Lab, FirstTableIsShownToImagesUpTo2023) {
  EXPECT_TRUE(choose_edition(image_2020, {}).shows_first_table());
  EXPECT_TRUE(choose_edition(image_2022, {}).shows_first_table());
  EXPECT_TRUE(choose_edition(image_2025, wish("2023-pgtbl")).shows_first_table());
  EXPECT_FALSE(choose_edition(image_2025, {}).shows_first_table());
  EXPECT_FALSE(choose_edition(image_2022, wish("2024-pgtbl")).shows_first_table());
}

TEST(Lab, TwoStackPagesForUtil) {
  EXPECT_EQ(choose_edition(image_2022, wish("2024-util")).personality.stack_pages, 2U);
  EXPECT_EQ(choose_edition(image_2025, wish("2025-util")).personality.stack_pages, 2U);
  EXPECT_EQ(choose_edition(image_2022, wish("2023-util")).personality.stack_pages, 1U);
}

TEST(Options, RefineTheLab) {
  Wishes wishes = wish("2024-util");
  EXPECT_TRUE(wishes.take_calls("traps"));
  EXPECT_TRUE(wishes.take_statistics("copyin"));
  const Edition p = choose_edition(image_2022, wishes);
  EXPECT_EQ(p.personality.stack_pages, 2U);
  EXPECT_EQ(p.student_calls, StudentCalls::traps);
  EXPECT_EQ(p.statistics, StatisticsText::copy_counters);
}

TEST(Options, NonsenseIsRefusedAndChangesNothing) {
  Wishes wishes;
  for (const char* value : {"", "2019-x", "20-", "99999999", "2024pgtbl", "2027-util", "twenty"}) {
    EXPECT_FALSE(wishes.take_lab(value)) << value;
  }
  EXPECT_FALSE(wishes.take_calls("x"));
  EXPECT_FALSE(wishes.take_statistics(""));
  EXPECT_EQ(choose_edition(image_2022, wishes).numbers, NumberMap::automatic_legacy);
}

// What the image says of itself.

lab::ImageCalls calls_of(const labs_test::ProgramBuilder& program) {
  labs_test::MemoryFile file{program.build()};
  return lab::read_image_calls(file.view()).value();
}

TEST(Stubs, SyncTells2026) {
  const auto skeleton = calls_of(labs_test::ProgramBuilder{}.base());
  const auto newer = calls_of(labs_test::ProgramBuilder{}.base().stub("sync", 22));
  ImageFacts image = image_2025;
  image.calls = &skeleton;
  image.has_sync = true;  // a program of this name says nothing where the stubs speak
  EXPECT_EQ(choose_edition(image, {}).numbers, NumberMap::automatic_2025);
  image.calls = &newer;
  const Edition p = choose_edition(image, {});
  EXPECT_EQ(p.numbers, NumberMap::year_2026);
  EXPECT_EQ(p.calls, &newer);
  EXPECT_EQ(p.personality.sbrk, SbrkRule::flagged);
  EXPECT_EQ(p.statistics, StatisticsText::locks_kmem_only);
}

TEST(Stubs, WithoutThemTheRootDirectoryTells2026) {
  ImageFacts image = image_2025;
  image.has_sync = true;
  EXPECT_EQ(choose_edition(image, {}).numbers, NumberMap::year_2026);
  EXPECT_EQ(choose_edition(image, {}).personality.pid_page, process::PidPage::absent);
  image.has_pgtbltest = true;
  EXPECT_EQ(choose_edition(image, {}).personality.pid_page, process::PidPage::mapped);
  ImageFacts old = image_2022;
  old.has_sync = true;
  EXPECT_EQ(choose_edition(old, {}).numbers, NumberMap::automatic_legacy);
}

TEST(Stubs, UgetpidWantsItsPage) {
  const auto without = calls_of(labs_test::ProgramBuilder{}.base());
  const auto with = calls_of(labs_test::ProgramBuilder{}.base().function("ugetpid"));
  ImageFacts image = image_2022;
  EXPECT_EQ(choose_edition(image, {}).personality.pid_page, process::PidPage::mapped);  // nothing is known
  image.calls = &without;
  EXPECT_EQ(choose_edition(image, {}).personality.pid_page, process::PidPage::absent);
  EXPECT_EQ(choose_edition(image, wish("2022-pgtbl")).personality.pid_page, process::PidPage::mapped);
  image.calls = &with;
  EXPECT_EQ(choose_edition(image, {}).personality.pid_page, process::PidPage::mapped);
}

TEST(Stubs, DeepStacksWithoutBeingTold) {
  ImageFacts image = image_2025;
  image.has_deep_stacks = true;
  EXPECT_EQ(choose_edition(image, {}).personality.stack_pages, 2U);
}

TEST(Lab, Of2026) {
  const Edition p = choose_edition(image_2025, wish("2026-util"));
  EXPECT_EQ(p.numbers, NumberMap::year_2026);
  EXPECT_EQ(p.personality.stack_pages, 2U);
  EXPECT_EQ(p.personality.pid_page, process::PidPage::absent);
  EXPECT_EQ(choose_edition(image_2025, wish("2026-pgtbl")).personality.pid_page, process::PidPage::mapped);
  Wishes official;
  EXPECT_TRUE(official.take_calls("official"));
  EXPECT_EQ(choose_edition(image_2025, official).student_calls, StudentCalls::official);
}

}  // namespace
