// SPDX-License-Identifier: MIT
#pragma once
// Tells the judges where a kernel has what they look for.

#include "vellum/judge/judges.hpp"
#include "vellum/words/allocator.hpp"

namespace vellum {

/// The functions that the judges know a kernel by, under the names that xv6 gave them.
struct KernelFunctions {
  std::string_view allocate = "kalloc", release = "kfree", panic = "panic";
};

/// Before the machine's first instruction. `frames` lives as long as the judges.
void acquaint(Judges& judges, const Names& names, const KernelFunctions& functions, const KnownFrameTable& frames);

}  // namespace vellum
