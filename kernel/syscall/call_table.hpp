#pragma once

#include <array>

#include "process/personality.hpp"
#include "process/process.hpp"

namespace syscall {

/// What a handler returns for every failure: xv6's -1.
inline constexpr u64 failed = ~u64{0};

using Handler = u64 (*)(process::Process&);

struct CallEntry {
  Handler handler = nullptr;  // never null once the table is built
  const char* name = "";      // as a program calls it; what trace prints
};

inline constexpr usize call_table_size = 128;
using CallTable = std::array<CallEntry, call_table_size>;

/// Fills `table` with the meaning that the personality gives each number; the rest refuse.
void build_call_table(CallTable& table, const process::Personality& personality);

}  // namespace syscall
