// SPDX-License-Identifier: MIT
#include "labs/edition.hpp"
#include "syscall/call_table.hpp"

// The labs' calls by MIT's official numberings (docs/xv6-contract.md 2.2), then by what the image's own programs say of
// them. A name that this kernel has no call for makes its number refuse.
namespace lab {

namespace {

using calls::number_call;

/// From 2026 on the base has one call more, and all of the labs' moved up by one.
void number_calls_of_2026() {
  constexpr const char* names[] = {"sync",  "trace",   "interpose", "sigalarm", "sigreturn", "symlink",
                                   "mmap",  "munmap",  "bind",      "unbind",   "send",      "recv",
                                   "pgpte", "vmprint", "rwlktest",  "cpupin",   "pgaccess",  "ksupernpte"};
  u64 number = ImageCalls::first_lab_number;
  for (const char* name : names) number_call(number++, name);
}

void number_calls_until_2025(const Edition& edition) {
  const bool is_named = edition.numbers == NumberMap::year_2024 || edition.numbers == NumberMap::year_2025;
  number_call(23, edition.is_since_2025() ? "interpose" : "sysinfo");
  switch (edition.numbers) {
    case NumberMap::up_to_2023: number_call(29, "connect"); break;
    case NumberMap::automatic_legacy: number_call(29, "connect or bind"); break;
    default: number_call(29, "bind");
  }
  if (is_named) number_call(30, "unbind");
  if (edition.numbers != NumberMap::up_to_2023) {
    number_call(31, "send");
    number_call(32, "recv");
  }
  if (edition.numbers == NumberMap::up_to_2023) {
    number_call(33, "");
    number_call(34, "");
  }
}

/// What the image's own programs were compiled with.
void number_image_calls(const ImageCalls& calls) {
  for (u64 number = ImageCalls::first_lab_number; number < ImageCalls::numbers_end; ++number) {
    const std::string_view name = calls.name_of(number);
    if (!name.empty()) number_call(number, name == ImageCalls::strange ? "" : name);
  }
}

/// Student solutions count their one or two additions from the first number that the base leaves free.
void number_student_calls(const Edition& edition) {
  const u64 first = edition.is_2026() ? 23 : 22, second = first + 1;
  switch (edition.student_calls) {
    case StudentCalls::none:
    case StudentCalls::official: break;
    case StudentCalls::syscall:
      if (edition.is_since_2025()) {
        number_call(first, "interpose");
      } else {
        number_call(first, "trace");
        number_call(second, "sysinfo");
      }
      break;
    case StudentCalls::traps:
      number_call(first, "sigalarm");
      number_call(second, "sigreturn");
      break;
    case StudentCalls::fs: number_call(first, "symlink"); break;
    case StudentCalls::mmap:
      number_call(first, "mmap");
      number_call(second, "munmap");
      break;
  }
}

}  // namespace

void number_calls(const Edition& edition) {
  if (edition.is_since_2025()) number_call(13, "pause");
  if (edition.is_2026()) {
    number_calls_of_2026();
  } else {
    number_calls_until_2025(edition);
  }
  if (edition.calls != nullptr && edition.student_calls != StudentCalls::official) number_image_calls(*edition.calls);
  number_student_calls(edition);
}

}  // namespace lab
