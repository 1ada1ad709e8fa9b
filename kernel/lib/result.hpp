// SPDX-License-Identifier: MIT
#pragma once
// Errors are values. "Resource ran out" is an Error, never a panic; xv6's -1 is made only in kernel/syscall.

#include <expected>
#include <string_view>

#include "lib/types.hpp"

namespace lib {

/// Why an operation failed. One list for the whole kernel, so that an error keeps its meaning on its way up.
enum class Error : u32 {
  no_memory,          ///< no free frame, or a slot that stands for memory
  bad_address,        ///< a user range that is not wholly inside the process, or lacks the permission
  needs_page_in,      ///< a copy stopped at a page that must first come from a file (see lib::copy_to_end)
  invalid_argument,   ///< a number out of its range, an unaligned address, an empty or overflowing range
  not_found,          ///< no such file, process, mapping
  already_exists,     ///< the name or mapping is taken
  not_a_directory,    ///< a path component is not a directory
  is_a_directory,     ///< the operation is not for directories
  directory_not_empty,
  name_too_long,      ///< a path or string without an end inside its limit
  too_many_links,     ///< hard-link count or symbolic-link depth at its limit
  no_space,           ///< no free disk block or inode
  too_big,            ///< beyond a file's, argument list's or image's largest size
  bad_descriptor,     ///< not an open descriptor
  not_permitted,      ///< open mode, protection or rule forbids it
  limit_reached,      ///< a table with a fixed size (processes, files, descriptors) is full
  broken_pipe,        ///< no one will ever read this
  interrupted,        ///< the process was killed while it waited
  not_executable,     ///< not an ELF program that this kernel accepts
  io,                 ///< the device reported an error
  corrupt,            ///< a value read from disk is impossible
  read_only,          ///< the file system was set read-only after an error
  busy,               ///< in use, try later
  not_supported,
  timed_out,          ///< nothing came before the deadline
};

/// The error in words (English, greppable).
[[nodiscard]] std::string_view describe(Error error);

/// A value or the reason why there is none.
template <class T>
using Result = std::expected<T, Error>;

/// Shorthand for returning an error: `return lib::fail(Error::no_memory);`
[[nodiscard]] constexpr std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(error); }

/// A Result<void> as one number, for what is done so often that the difference shows (page faults, bytes through a
/// pipe): a std::expected comes back through memory, and is copied by asking what it holds.
class [[nodiscard]] Status {
 public:
  constexpr Status() = default;
  constexpr Status(const Result<void>& result) : code_(result ? 0 : code_of(result.error())) {}  // NOLINT: as a Result
  constexpr Status(std::unexpected<Error> why) : code_(code_of(why.error())) {}  // NOLINT

  [[nodiscard]] constexpr bool has_value() const { return code_ == 0; }
  constexpr explicit operator bool() const { return has_value(); }
  [[nodiscard]] constexpr Error error() const { return static_cast<Error>(code_ - 1); }
  [[nodiscard]] constexpr Result<void> result() const {
    if (!has_value()) return fail(error());
    return {};
  }

 private:
  static constexpr u64 code_of(Error error) { return static_cast<u64>(error) + 1; }
  u64 code_ = 0;  // a whole register: nothing is masked
};

}  // namespace lib

// The value of a Result, or return its error from the enclosing function (which itself returns a Result).
// A statement expression (clang and GCC): `auto frame = LIB_TRY(allocate(...));`, `LIB_TRY(void_result());`
#define LIB_TRY(expression)                                          \
  ({                                                                 \
    auto lib_try_result_ = (expression);                             \
    if (!lib_try_result_.has_value()) [[unlikely]]                   \
      return std::unexpected<::lib::Error>(lib_try_result_.error()); \
    ::lib::detail::take(std::move(lib_try_result_));                 \
  })

#include <type_traits>
#include <utility>

namespace lib::detail {
template <class T>
constexpr decltype(auto) take(std::expected<T, Error>&& result) {
  if constexpr (!std::is_void_v<T>) return T(std::move(*result));
}
constexpr void take(Status) {}
}  // namespace lib::detail
