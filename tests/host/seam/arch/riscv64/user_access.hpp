// SPDX-License-Identifier: MIT
#pragma once
// Host twin of kernel/arch/riscv64/user_access.hpp: the kernel's plain loads and stores on user addresses, byte by
// byte through the simulated hart's MMU and TLB, so that a copy before the fence that it needs is seen. A user address
// is one below 2^38; every host pointer lies above.

#include <cstring>

#include "arch/port.hpp"
#include "lib/types.hpp"

namespace arch {

namespace host {

inline constexpr u64 user_end = u64{1} << 38;

/// Runs `each(bytes as the host sees them, index, count)` page by page from `user` on, until a page faults
/// or `stop` is set; returns the sum of what it returned.
template <typename Each>
u64 through_the_mmu(u64 user, u64 count, AccessType access, const bool& stop, Each&& each) {
  u64 done = 0;
  while (done < count && !stop) {
    const u64 at = user + done;
    const u64 in_page = 4096 - at % 4096;
    const u64 chunk = in_page < count - done ? in_page : count - done;
    UserMemory* memory = machine.user_memory.load();
    if (memory == nullptr) break;
    std::byte* bytes = memory->kernel_access(hart_index(), at, access, this_sum);
    if (bytes == nullptr) break;
    done += each(bytes, done, chunk);
  }
  return done;
}

}  // namespace host

/// Bytes NOT copied.
[[nodiscard]] inline u64 copy_bytes_user(void* to, const void* from, u64 count) {
  const u64 to_address = reinterpret_cast<u64>(to), from_address = reinterpret_cast<u64>(from);
  constexpr bool never = false;
  u64 done;
  if (to_address < host::user_end) {
    done =
        host::through_the_mmu(to_address, count, host::AccessType::store, never, [&](std::byte* user, u64 at, u64 n) {
          std::memcpy(user, static_cast<const std::byte*>(from) + at, n);
          return n;
        });
  } else {
    done =
        host::through_the_mmu(from_address, count, host::AccessType::load, never, [&](std::byte* user, u64 at, u64 n) {
          std::memcpy(static_cast<std::byte*>(to) + at, user, n);
          return n;
        });
  }
  return count - done;
}

struct UserString {
  u64 length;
  bool found_end;
  bool faulted;
};

[[nodiscard]] inline UserString copy_string_user(char* to, const char* from, u64 limit) {
  bool ended = false;
  const u64 done = host::through_the_mmu(reinterpret_cast<u64>(from), limit, host::AccessType::load, ended,
                                         [&](std::byte* user, u64 at, u64 n) {
                                           for (u64 i = 0; i < n; ++i) {
                                             to[at + i] = static_cast<char>(user[i]);
                                             if (user[i] == std::byte{0}) {
                                               ended = true;
                                               return i + 1;
                                             }
                                           }
                                           return n;
                                         });
  if (ended) return {done, true, false};
  return {done, false, done < limit};
}

}  // namespace arch
