#include "labs/edition.hpp"
#include "syscall/call_table.hpp"

// The labs' calls by MIT's official numbering (xv6-abi.md 2.2), and by what students make of it. A name that this
// kernel has no call for makes its number refuse.
namespace lab {

namespace {

using syscall::number_call;

/// Student solutions count their one or two additions from 22.
void number_student_calls(const Edition& edition) {
  constexpr u64 first = 22, second = 23;
  switch (edition.student_calls) {
    case StudentCalls::none: break;
    case StudentCalls::syscall:
      if (edition.is_2025()) {
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
  const bool is_named = edition.numbers == NumberMap::year_2024 || edition.numbers == NumberMap::year_2025;
  if (edition.is_2025()) number_call(13, "pause");
  number_call(23, edition.is_2025() ? "interpose" : "sysinfo");
  if (is_named) number_call(30, "unbind");
  if (edition.numbers == NumberMap::up_to_2023) {
    number_call(33, "");
    number_call(34, "");
  }
  number_student_calls(edition);
}

}  // namespace lab
