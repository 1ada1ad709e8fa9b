// SPDX-License-Identifier: MIT
#pragma once
// What the calls of an address space take and give.

#include "lib/copy.hpp"
#include "lib/types.hpp"

namespace mm {

using lib::CopyResult;

enum class Growth : u32 {
  eager,  ///< memory now, or failure
  lazy,  ///< addresses now, memory at first touch
  eager_if_it_fits,  ///< memory now; a large request (from 16 MiB on) that does not fit gets addresses only
};

enum class FaultResult : u32 {
  resolved,  ///< go on with the instruction
  refused,  ///< the program has no such right: kill it
  no_memory,  ///< it has, but memory ran out: kill it
};

}  // namespace mm
