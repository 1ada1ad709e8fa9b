#include "labs/edition.hpp"

#include <optional>

namespace lab {

namespace {

using process::PidPage;
using process::SbrkRule;

constexpr u32 first_year = 2020, last_year = 2026;
constexpr u32 log_blocks_since_2025 = 31;  // docs/xv6-contract.md 1: LOGBLOCKS + 1; before that it was 30
constexpr u32 image_size_of_2020_21 = 1000;

/// The next word of `text`, which is shortened by it; empty at the end.
std::string_view take_word(std::string_view& text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return text = {};
  text.remove_prefix(begin);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

/// The part of `word` after `key`, when it begins with it.
std::optional<std::string_view> value_of(std::string_view word, std::string_view key) {
  if (!word.starts_with(key)) return std::nullopt;
  return word.substr(key.size());
}

std::optional<u32> parse_number(std::string_view digits, u32 base) {
  if (digits.starts_with("0x")) {
    digits.remove_prefix(2);
    base = 16;
  }
  if (digits.empty() || digits.size() > 8) return std::nullopt;
  u32 value = 0;
  for (const char c : digits) {
    u32 digit = base;
    if (c >= '0' && c <= '9') digit = static_cast<u32>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<u32>(c - 'a') + 10;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

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

/// `lab=YEAR-NAME`: what is known of that skeleton replaces what the superblock suggested.
void apply_lab(Edition& chosen, std::string_view lab) {
  const auto year = parse_number(lab.substr(0, 4), 10);
  if (!year || *year < first_year || *year > last_year) return;
  const std::string_view name = lab.size() > 5 ? lab.substr(5) : std::string_view{};
  constexpr NumberMap tables[] = {NumberMap::up_to_2023, NumberMap::up_to_2023, NumberMap::up_to_2023,
                                  NumberMap::up_to_2023, NumberMap::year_2024,  NumberMap::year_2025,
                                  NumberMap::year_2026};
  chosen.numbers = tables[*year - first_year];
  chosen.personality.sbrk = *year >= 2025 ? SbrkRule::flagged : SbrkRule::one_argument;
  chosen.personality.stack_pages = name == "util" && *year >= 2024 ? 2 : 1;
  if (name == "pgtbl") chosen.personality.pid_page = PidPage::mapped;
  if (name != "pgtbl" && *year == 2026) chosen.personality.pid_page = PidPage::absent;
  chosen.statistics = *year >= 2025                      ? StatisticsText::locks_kmem_only
                      : *year == 2020 && name == "pgtbl" ? StatisticsText::copy_counters
                                                         : StatisticsText::locks_kmem_and_bcache;
}

void apply_student_calls(Edition& chosen, std::string_view name) {
  if (name == "syscall") chosen.student_calls = StudentCalls::syscall;
  if (name == "traps") chosen.student_calls = StudentCalls::traps;
  if (name == "fs") chosen.student_calls = StudentCalls::fs;
  if (name == "mmap") chosen.student_calls = StudentCalls::mmap;
  if (name == "official") chosen.student_calls = StudentCalls::official;
}

void apply_option(Edition& chosen, std::string_view word) {
  if (const auto calls = value_of(word, "calls=")) apply_student_calls(chosen, *calls);
  if (const auto rule = value_of(word, "sbrk=")) {
    if (*rule == "guess") chosen.personality.sbrk = SbrkRule::guess;
    if (*rule == "legacy") chosen.personality.sbrk = SbrkRule::one_argument;
    if (*rule == "flagged") chosen.personality.sbrk = SbrkRule::flagged;
  }
  if (const auto text = value_of(word, "stats=")) {
    if (*text == "copyin") chosen.statistics = StatisticsText::copy_counters;
    if (*text == "locks") chosen.statistics = StatisticsText::locks_kmem_and_bcache;
    if (*text == "vm") chosen.statistics = StatisticsText::vm_counters;
  }
  if (const auto pages = value_of(word, "stack=")) {
    if (*pages == "1") chosen.personality.stack_pages = 1;
    if (*pages == "2") chosen.personality.stack_pages = 2;
  }
  if (const auto mask = value_of(word, "nofollow=")) {
    if (const auto value = parse_number(*mask, 16)) chosen.personality.no_follow_mask = *value;
  }
}

}  // namespace

Edition choose_edition(const ImageFacts& image, std::string_view boot_arguments) {
  Edition chosen = from_image(image);
  // The lab first, whatever the order of the words: a single option refines it.
  for (std::string_view rest = boot_arguments; !rest.empty();) {
    if (const auto lab = value_of(take_word(rest), "lab=")) apply_lab(chosen, *lab);
  }
  for (std::string_view rest = boot_arguments; !rest.empty();) apply_option(chosen, take_word(rest));
  return chosen;
}

}  // namespace lab
