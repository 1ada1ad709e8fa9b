// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <type_traits>

#include "mm/address_space.hpp"

// Copies between the kernel and a program's memory for callers that hold no lock: the one place that knows
// how to go on when a page must first come from a file.
namespace process {

/// Repeats `copy(done)`, which continues after `done` bytes, until it has ended or failed; brings missing
/// file pages in between. Returns the bytes copied. too_big: a string without an end.
template <typename Copy>
[[nodiscard]] lib::Result<usize> copy_to_end(mm::AddressSpace& memory, u64 address, sv39::Access access, Copy&& copy) {
  for (usize done = 0;;) {
    const mm::CopyResult part = copy(done);
    done += part.copied;
    switch (part.status) {
      case mm::CopyStatus::ok: return done;
      case mm::CopyStatus::bad_address: return lib::fail(lib::Error::bad_address);
      case mm::CopyStatus::no_memory: return lib::fail(lib::Error::no_memory);
      case mm::CopyStatus::too_long: return lib::fail(lib::Error::too_big);
      case mm::CopyStatus::needs_page_in: LIB_TRY(memory.page_in(sv39::VirtAddr(address + done), access));
    }
  }
}

/// Copies `count` bytes from, or to, user memory; all or an error. xv6: copyin, copyout.
[[nodiscard]] inline lib::Result<void> read_user(mm::AddressSpace& memory, u64 address, void* to, usize count) {
  LIB_TRY(copy_to_end(memory, address, sv39::Access::read, [&](usize done) {
    return memory.copy_in(static_cast<char*>(to) + done, sv39::VirtAddr(address + done), count - done);
  }));
  return {};
}
[[nodiscard]] inline lib::Result<void> write_user(mm::AddressSpace& memory, u64 address, const void* from,
                                                  usize count) {
  LIB_TRY(copy_to_end(memory, address, sv39::Access::write, [&](usize done) {
    return memory.copy_out(sv39::VirtAddr(address + done), static_cast<const char*>(from) + done, count - done);
  }));
  return {};
}

/// Copies a string with its NUL, at most `limit` bytes; returns the bytes copied. xv6: copyinstr.
[[nodiscard]] inline lib::Result<usize> read_user_string(mm::AddressSpace& memory, u64 address, char* to, usize limit) {
  return copy_to_end(memory, address, sv39::Access::read, [&](usize done) {
    return memory.copy_in_string(to + done, sv39::VirtAddr(address + done), limit - done);
  });
}

}  // namespace process
