// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "process/process.hpp"

namespace calls {

/// The open file behind a descriptor argument (C int), or null. xv6: argfd.
[[nodiscard]] inline fs::File* find_file(const process::Process& self, u64 raw) {
  const u32 descriptor = static_cast<u32>(raw);  // a negative int is a huge unsigned one
  return descriptor < self.files.size() ? self.files[descriptor].get() : nullptr;
}

/// The lowest free descriptor from `from` on. xv6: fdalloc.
[[nodiscard]] inline std::optional<usize> free_descriptor(const process::Process& self, usize from = 0) {
  for (usize i = from; i < self.files.size(); ++i) {
    if (!self.files[i]) return i;
  }
  return std::nullopt;
}

}  // namespace calls
