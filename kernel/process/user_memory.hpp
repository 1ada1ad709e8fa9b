// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <type_traits>

#include "mm/address_space.hpp"

// Copies between the kernel and a program's memory for callers that hold no lock: pages of
// files are brought in on the way.
namespace process {

/// Copies as lib::copy_to_end; the bytes copied, or an error. too_big: a string without an end.
template <typename Copy>
[[nodiscard]] lib::Result<usize> copy_to_end(mm::AddressSpace& memory, u64 address, sv39::Access access, Copy&& copy) {
  return lib::copy_to_end(copy, [&](usize done) { return memory.page_in(sv39::VirtAddr(address + done), access); })
      .whole();
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
