// SPDX-License-Identifier: MIT
#pragma once
// What programs may expect in different ways, because the xv6 that they were written for changed its mind: plain data,
// chosen once, before the first program runs.

#include "lib/types.hpp"

namespace process {

/// How sbrk reads its second argument register, which is garbage in programs that know of none.
enum class SbrkRule : u8 {
  guess,         ///< 1 eager, 2 lazy, anything else: as one_argument
  one_argument,  ///< memory at once; a large request that does not fit gets addresses only
  flagged,       ///< 1 eager, anything else lazy
};

/// Whether programs find their pid in the page at abi::usyscall. Where they do not, the page is heap like any other.
enum class PidPage : u8 { absent, mapped };

struct Personality {
  SbrkRule sbrk = SbrkRule::guess;
  u32 stack_pages = 1;
  PidPage pid_page = PidPage::mapped;
  u32 no_follow_mask = 0x804;  ///< bits of open's mode that mean O_NOFOLLOW; neither has another meaning
};

/// The personality of this boot.
[[nodiscard]] const Personality& personality();
void set_personality(const Personality& chosen);

}  // namespace process
