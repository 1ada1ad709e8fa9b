// SPDX-License-Identifier: MIT
#pragma once
// Which year's xv6 contract the running programs expect. A few things really differ between the images of 2020 to 2026
// (docs/compatibility.md); everything else is one behaviour for all. The choice is made once, from the image (its
// superblock, the stubs in /init, names in the root directory); the boot argument `lab=YEAR-NAME` overrides it, and
// single options override that.

#include <optional>
#include <string_view>

#include "labs/image_calls.hpp"
#include "lib/types.hpp"
#include "process/personality.hpp"

namespace lab {

/// Which meaning the call numbers from 22 on have, but for those that the image itself names.
enum class NumberMap : u8 {
  automatic_legacy,  ///< images up to 2024 without a hint: 29 is told apart by its argument, 30 is pgaccess
  automatic_2025,  ///< images of 2025 without a hint: year_2025, but 30 is pgaccess, for no test calls unbind
  up_to_2023,  ///< 23 sysinfo, 29 connect, 30 pgaccess
  year_2024,  ///< 23 sysinfo, 29 bind, 30 unbind, 31.. send recv pgpte kpgtbl
  year_2025,  ///< as 2024, but 23 interpose; 35 rwlktest, 36 cpupin
  year_2026,  ///< 22 sync, then those of 2025 one further, vmprint for kpgtbl; 38 pgaccess, 39 ksupernpte
};

/// Student solutions number their one or two new calls from the first free number up. Boot argument `calls=NAME`;
/// `calls=official`: what the image names is not looked at.
enum class StudentCalls : u8 { none, syscall, traps, fs, mmap, official };

/// The text of the statistics device. Boot argument `stats=copyin|locks|vm`.
enum class StatisticsText : u8 { copy_counters, locks_kmem_and_bcache, locks_kmem_only, vm_counters };

struct Edition {
  NumberMap numbers = NumberMap::automatic_legacy;
  StudentCalls student_calls = StudentCalls::none;
  StatisticsText statistics = StatisticsText::locks_kmem_and_bcache;
  /// The core's part, which has boot arguments of its own (boot/arguments.hpp). MIT left the value of O_NOFOLLOW to the
  /// student: most took 0x800, some 0x004.
  process::Personality personality;

  /// The page-table labs up to 2023 want init's page table on the console; later ones ask by a call.
  [[nodiscard]] bool shows_first_table() const {
    return numbers == NumberMap::automatic_legacy || numbers == NumberMap::up_to_2023;
  }
  /// What the image names, which counts more than the tables; null: nothing can be read from it.
  const ImageCalls* calls = nullptr;

  [[nodiscard]] bool is_2026() const { return numbers == NumberMap::year_2026; }
  /// 2025 or later.
  [[nodiscard]] bool is_since_2025() const {
    return is_2026() || numbers == NumberMap::year_2025 || numbers == NumberMap::automatic_2025;
  }
};

/// What the mounted file system tells about the year of its programs.
struct ImageFacts {
  u32 total_blocks = 0;  ///< superblock `size`
  u32 log_blocks = 0;  ///< superblock `nlog`
  bool has_kalloctest = false;  ///< the root directory contains `kalloctest`
  bool has_sync = false;  ///< ... `sync`
  bool has_pgtbltest = false;  ///< ... `pgtbltest`
  bool has_deep_stacks = false;  ///< a util image of 2024 or later: its programs are linked for stacks of two pages
  const ImageCalls* calls = nullptr;  ///< what the stubs of /init say
};

/// A lab's skeleton; the name is the branch's: "pgtbl".
struct Lab {
  u32 year;
  std::string_view name;
};

/// What the boot arguments say. Each take_ function keeps one's value and is false for a value that means nothing.
struct Wishes {
  std::optional<Lab> lab;
  std::optional<StudentCalls> calls;
  std::optional<StatisticsText> statistics;

  bool take_lab(std::string_view value);
  bool take_calls(std::string_view value);
  bool take_statistics(std::string_view value);
};

/// The boot arguments first, then the image.
[[nodiscard]] Edition choose_edition(const ImageFacts& image, const Wishes& wishes);

/// Gives the calls the numbers of this edition.
void number_calls(const Edition& edition);

}  // namespace lab
