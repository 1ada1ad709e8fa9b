// SPDX-License-Identifier: MIT
#pragma once
// Which calls there are, by name, and which number each one has. The two are separate: a part of the kernel registers
// its calls by name, with the number that they have by default; a numbering, such as the one that an image's programs
// were compiled with, then puts names at other numbers.

#include <span>
#include <string_view>

#include "abi/syscall_numbers.hpp"
#include "process/process.hpp"

namespace calls {

/// What a handler returns for every failure: xv6's -1.
inline constexpr u64 failed = ~u64{0};

using Handler = u64 (*)(process::Process&);

/// A call, by its name as a program calls it.
struct NamedCall {
  const char* name;
  Handler handler;
  abi::Call number;  ///< where it stands by default; `unnumbered`: nowhere
};

/// A call that only a numbering gives a number.
inline constexpr abi::Call unnumbered{};

/// Some calls of one part of the kernel. It lives for ever.
struct CallBlock {
  std::span<const NamedCall> calls;
  CallBlock* next = nullptr;  ///< the registry's
};

/// Adds a block and puts its calls at their numbers. A call of a name that is there already takes that one's place, at
/// its own number. Before the first program runs.
void register_calls(CallBlock& block);

/// From now on `number` means the call of this name; where there is none, or the number is beyond the table, the number
/// is refused and the answer false. Before the first program runs.
bool number_call(u64 number, std::string_view name);

/// What is done for a number that is no call, in the place of a plain refusal. Before the first program runs.
void set_refusal(Handler handler);

/// What stands at a number.
struct CallEntry {
  Handler handler;  ///< never null: what is no call refuses
  const char* name;  ///< for reports
};
[[nodiscard]] const CallEntry& call_at(u64 number);
/// Whether there is a call of this number; all others are refused.
[[nodiscard]] bool is_call(u64 number);

/// Calls have numbers from 1 to less than this.
inline constexpr u64 call_numbers = 128;

}  // namespace calls
