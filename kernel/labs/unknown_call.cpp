// SPDX-License-Identifier: MIT
#include "labs/unknown_call.hpp"

#include <atomic>

#include "lib/format.hpp"
#include "sched/thread.hpp"
#include "syscall/call_table.hpp"

namespace lab {

namespace {

constexpr usize line_bytes = 160;
char known_calls[line_bytes] = "";

constexpr u64 numbers_in_word = 64;
constinit std::atomic<u64> told[calls::call_numbers / numbers_in_word] = {};
constinit std::atomic<u64> silent_until{0};

/// Whether it is this caller who tells of the number.
bool may_tell(u64 number) {
  std::atomic<u64>& word = told[number / numbers_in_word];
  const u64 bit = u64{1} << number % numbers_in_word;
  if ((word.load(std::memory_order_relaxed) & bit) != 0) return false;
  constexpr u64 ticks_in_a_second = 10;
  const u64 now = sched::uptime_ticks();
  u64 until = silent_until.load(std::memory_order_relaxed);
  if (now < until) return false;
  if (!silent_until.compare_exchange_strong(until, now + ticks_in_a_second, std::memory_order_relaxed)) return false;
  return (word.fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
}

u64 refuse_and_tell(process::Process& self) {
  const u64 number = self.frame().a7;
  // All numbers that no table can hold count as one.
  if (may_tell(number < calls::call_numbers ? number : 0)) {
    lib::print("pid {} called {}: {}\n", self.pid, number, known_calls);
  }
  return calls::failed;
}

const char* year_of(const Edition& edition) {
  switch (edition.numbers) {
    case NumberMap::automatic_legacy: return "2020 to 2024";
    case NumberMap::up_to_2023: return "2020 to 2023";
    case NumberMap::year_2024: return "2024";
    case NumberMap::automatic_2025:
    case NumberMap::year_2025: return "2025";
    case NumberMap::year_2026: return "2026";
  }
  return "";
}

}  // namespace

void tell_unknown_calls(const Edition& edition) {
  if (edition.calls == nullptr) {
    lib::format_to(known_calls, "this image's calls are taken to be those of {}", year_of(edition));
  } else {
    usize used = lib::format_to(known_calls, "this image's calls were read from /init:").size();
    bool any = false;
    for (u64 number = ImageCalls::first_lab_number; number < ImageCalls::numbers_end; ++number) {
      const std::string_view name = edition.calls->name_of(number);
      if (name.empty() || name == ImageCalls::strange) continue;
      used += lib::format_to(std::span(known_calls).subspan(used), " {} {}", name, number).size();
      any = true;
    }
    if (!any) lib::format_to(std::span(known_calls).subspan(used), " none beyond close 21");
  }
  calls::set_refusal(refuse_and_tell);
}

}  // namespace lab
