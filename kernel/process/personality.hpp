#pragma once

#include <string_view>

#include "lib/types.hpp"

// Which year's xv6 contract the running programs expect. Six things really differ between the images of 2020
// to 2025 (docs/compatibility.md); everything else is one behaviour for all. The choice is made once, at mount
// time, from the superblock, and a boot argument overrides it: `lab=YEAR-NAME`, then the single options named
// beside each field.
namespace process {

/// Which meaning the call numbers 22 to 36 have.
enum class NumberMap : u8 {
  automatic_legacy,  // images up to 2024 without a hint: 29 is told apart by its first argument, 30 is
                     // pgaccess
  automatic_2025,    // images of 2025 without a hint: year_2025, but 30 is pgaccess, for no test calls unbind
  up_to_2023,        // 23 sysinfo, 29 connect, 30 pgaccess
  year_2024,         // 23 sysinfo, 29 bind, 30 unbind, 31.. send recv pgpte kpgtbl
  year_2025,         // as 2024, but 23 interpose; 35 rwlktest, 36 cpupin
};

/// Student solutions number their one or two new calls from 22 up. Boot argument `calls=NAME`.
enum class StudentCalls : u8 { none, syscall, traps, fs, mmap };

/// How sbrk reads its second argument register. Boot argument `sbrk=legacy|flagged|guess`.
enum class SbrkRule : u8 {
  guess,    // 1 eager, 2 lazy, anything else: eager when it fits, lazy success for large requests only
  legacy,   // no second argument: eager, overcommitting large requests
  flagged,  // 2025: eager for 1 or a negative size, else lazy
};

/// The text of the statistics device. Boot argument `stats=copyin|locks|vm`.
enum class StatisticsText : u8 { copy_counters, locks_kmem_and_bcache, locks_kmem_only, vm_counters };

struct Personality {
  NumberMap numbers = NumberMap::automatic_legacy;
  StudentCalls student_calls = StudentCalls::none;
  SbrkRule sbrk = SbrkRule::guess;
  StatisticsText statistics = StatisticsText::locks_kmem_and_bcache;
  u32 stack_pages = 1;  // boot argument `stack=1|2`
  u32 no_follow_mask = 0x804;  // open mode bits that mean O_NOFOLLOW: MIT left the value to the student, most took
              // 0x800, some 0x004, and neither has another meaning; boot argument `nofollow=HEX`
};

/// What the mounted file system tells about the year of its programs.
struct ImageFacts {
  u32 total_blocks = 0;         // superblock `size`
  u32 log_blocks = 0;           // superblock `nlog`
  bool has_kalloctest = false;  // the root directory contains `kalloctest`
};

/// Pure function of the image and the kernel's boot arguments; unknown words are ignored.
[[nodiscard]] Personality choose_personality(const ImageFacts& image, std::string_view boot_arguments);

/// The personality of this boot. Set once by the first process before it runs any program.
[[nodiscard]] const Personality& personality();
void set_personality(const Personality& chosen);

}  // namespace process
