// SPDX-License-Identifier: MIT
#pragma once
// Wings: parts of the kernel that stand on top of the core, which works without them and names none of them. A wing
// registers itself by being linked: it defines one Wing with BOOT_WING, and the linker puts all of them into one table
// (kernel.ld.in). docs/upcalls.md says what a wing can hook itself into.

#include <span>

#include "boot/options.hpp"
#include "process/process.hpp"

namespace boot {

/// When a wing gets its turn, in the order of boot. Each of them may be null.
struct Wing {
  const char* name = "";
  /// Its boot arguments; they are read before anything below is called.
  std::span<const Option> options;
  /// On the boot hart, which can print; nothing else runs yet.
  void (*boot)() = nullptr;
  /// On the first process's thread. The root file system is mounted and the core's calls and device files are there;
  /// now the wing registers its own.
  void (*start)(process::Process& first) = nullptr;
  /// The first program is loaded and about to begin.
  void (*first_program)(process::Process& first) = nullptr;
};

/// All wings of this kernel.
[[nodiscard]] std::span<const Wing> wings();

}  // namespace boot

/// Defines a wing: `BOOT_WING(wing) = {.name = "west", .start = start};`
#define BOOT_WING(variable) [[gnu::section(".wings"), gnu::used]] constinit const ::boot::Wing variable
