// SPDX-License-Identifier: MIT
#pragma once
// Copies between kernel and program: what they report, and typed user pointers.

#include <type_traits>

#include "lib/result.hpp"
#include "lib/types.hpp"
#include "sv39/address.hpp"

namespace mm {

enum class CopyStatus : u32 {
  ok,
  bad_address,    ///< the byte after the last one copied is not the program's, or not with this right
  no_memory,      ///< it is, but no frame was left to make it present
  needs_page_in,  ///< it must come from a file first: drop your locks, call page_in(address + copied), try again
  too_long,       ///< strings only: no NUL within the limit
};

/// How many bytes were copied (for a string: the NUL included), and why not more.
struct CopyResult {
  usize copied;
  CopyStatus status;
  [[nodiscard]] bool ok() const { return status == CopyStatus::ok; }
};

/// An address that a program passed for a T; carries the type, promises nothing.
template <class T>
class UserPtr {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  UserPtr() = default;
  explicit UserPtr(u64 address) : address_(address) {}
  [[nodiscard]] sv39::VirtAddr address() const { return sv39::VirtAddr(address_); }
  [[nodiscard]] bool is_null() const { return address_ == 0; }
  /// The element `i` further on; wraps like the program's own arithmetic, the copy refuses what is out of range.
  [[nodiscard]] UserPtr operator+(u64 i) const { return UserPtr(address_ + i * sizeof(T)); }

 private:
  u64 address_ = 0;
};

}  // namespace mm
