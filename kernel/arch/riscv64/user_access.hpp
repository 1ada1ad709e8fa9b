// SPDX-License-Identifier: MIT
#pragma once
// Plain loads and stores on user addresses with a fix-up table: views `mirrored` and `unified` only.
// The caller has checked that the range is user memory and has opened the window (SUM) where its view needs one.

#include "lib/types.hpp"

namespace arch {

/// Copies n bytes of which one side is a user address; returns the number of bytes NOT copied: 0, or what is left
/// from the first byte that faulted (all before it are copied). 4 KiB aligned alike: about 1,075 instructions.
extern "C" u64 arch_copy_user(void* to, const void* from, u64 count);

/// Copies a string including its NUL, at most `limit` bytes. Returns the number of bytes copied including the NUL;
/// `limit` + 1 if there was no NUL in `limit` bytes; and with `*faulted` set the number of bytes before the fault.
extern "C" u64 arch_copy_string_user(char* to, const char* from, u64 limit, u64* faulted);

[[nodiscard]] inline u64 copy_bytes_user(void* to, const void* from, u64 count) {
  return arch_copy_user(to, from, count);
}

struct UserString {
  u64 length;     ///< bytes copied, NUL included if it was found
  bool found_end; ///< the NUL was found
  bool faulted;   ///< stopped at a byte that can't be read: the source address + length
};

[[nodiscard]] inline UserString copy_string_user(char* to, const char* from, u64 limit) {
  u64 faulted = 0;
  const u64 length = arch_copy_string_user(to, from, limit, &faulted);
  if (faulted != 0) return {length, false, true};
  if (length > limit) return {limit, false, false};
  return {length, true, false};
}

}  // namespace arch
