// SPDX-License-Identifier: MIT
#include "labs/edition.hpp"

#include "boot/options.hpp"

namespace lab {

namespace {

using process::PidPage;
using process::SbrkRule;

constexpr u32 first_year = 2020, last_year = 2026;
constexpr u32 log_blocks_since_2025 = 31;  // docs/xv6-contract.md 1: LOGBLOCKS + 1; before that it was 30
constexpr u32 image_size_of_2020_21 = 1000;

Edition from_image(const ImageFacts& image) {
  Edition chosen;
  if (image.log_blocks == log_blocks_since_2025) {
    const bool is_2026 = image.calls != nullptr ? image.calls->has("sync") : image.has_sync;
    chosen.numbers = is_2026 ? NumberMap::year_2026 : NumberMap::automatic_2025;
    chosen.personality.sbrk = SbrkRule::flagged;
    chosen.statistics = StatisticsText::locks_kmem_only;
  } else if (image.total_blocks == image_size_of_2020_21 && !image.has_kalloctest) {
    chosen.statistics = StatisticsText::copy_counters;
  }
  chosen.calls = image.calls;
  if (image.has_deep_stacks) chosen.personality.stack_pages = 2;
  const bool wants_pid_page = image.calls != nullptr ? image.calls->has_ugetpid() : image.has_pgtbltest;
  // An old image that cannot be read gets the page: there, nothing forbids it.
  if (!wants_pid_page && (image.calls != nullptr || chosen.is_2026())) chosen.personality.pid_page = PidPage::absent;
  return chosen;
}

/// What is known of a lab's skeleton replaces what the image suggested.
void apply_lab(Edition& chosen, const Lab& lab) {
  const u32 year = lab.year;
  const std::string_view name = lab.name;
  constexpr NumberMap tables[] = {NumberMap::up_to_2023, NumberMap::up_to_2023, NumberMap::up_to_2023,
                                  NumberMap::up_to_2023, NumberMap::year_2024,  NumberMap::year_2025,
                                  NumberMap::year_2026};
  chosen.numbers = tables[year - first_year];
  chosen.personality.sbrk = year >= 2025 ? SbrkRule::flagged : SbrkRule::one_argument;
  chosen.personality.stack_pages = name == "util" && year >= 2024 ? 2 : 1;
  if (name == "pgtbl") chosen.personality.pid_page = PidPage::mapped;
  if (name != "pgtbl" && year == 2026) chosen.personality.pid_page = PidPage::absent;
  chosen.statistics = year >= 2025                      ? StatisticsText::locks_kmem_only
                      : year == 2020 && name == "pgtbl" ? StatisticsText::copy_counters
                                                        : StatisticsText::locks_kmem_and_bcache;
}

}  // namespace

bool Wishes::take_lab(std::string_view value) {
  const auto year = boot::parse_number(value.substr(0, 4), 10);
  if (!year || *year < first_year || *year > last_year) return false;
  if (value.size() > 4 && value[4] != '-') return false;
  lab = Lab{*year, value.size() > 5 ? value.substr(5) : std::string_view{}};
  return true;
}

bool Wishes::take_calls(std::string_view value) {
  if (value == "syscall") calls = StudentCalls::syscall;
  if (value == "traps") calls = StudentCalls::traps;
  if (value == "fs") calls = StudentCalls::fs;
  if (value == "mmap") calls = StudentCalls::mmap;
  if (value == "official") calls = StudentCalls::official;
  return calls.has_value();
}

bool Wishes::take_statistics(std::string_view value) {
  if (value == "copyin") statistics = StatisticsText::copy_counters;
  if (value == "locks") statistics = StatisticsText::locks_kmem_and_bcache;
  if (value == "vm") statistics = StatisticsText::vm_counters;
  return statistics.has_value();
}

Edition choose_edition(const ImageFacts& image, const Wishes& wishes) {
  Edition chosen = from_image(image);
  if (wishes.lab) apply_lab(chosen, *wishes.lab);
  chosen.student_calls = wishes.calls.value_or(chosen.student_calls);
  chosen.statistics = wishes.statistics.value_or(chosen.statistics);
  return chosen;
}

}  // namespace lab
