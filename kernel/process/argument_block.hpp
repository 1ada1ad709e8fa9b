// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "abi/limits.hpp"
#include "mm/address_space.hpp"
#include "mm/frames.hpp"

namespace process {

/// The strings of an exec on their way from the old image to the new one's stack, in frames of their own.
/// Each is copied once: what the limits were checked on is what the program gets.
///
/// On the stack each string begins at a multiple of 16, as xv6 places them, and the pointer array lies below.
class ArgumentBlock {
 public:
  explicit ArgumentBlock(u32 stack_pages) : capacity_(stack_pages * abi::page_size) {}
  ~ArgumentBlock();
  ArgumentBlock(const ArgumentBlock&) = delete;
  ArgumentBlock& operator=(const ArgumentBlock&) = delete;

  /// Takes the frames. First call.
  [[nodiscard]] lib::Result<void> allocate();
  /// Copies the array and the strings. too_big: more than exec allows. bad_address.
  [[nodiscard]] lib::Result<void> copy_from(mm::AddressSpace& memory, u64 argument_vector);
  /// Adds one string of the kernel's.
  [[nodiscard]] lib::Result<void> add(std::string_view text);

  [[nodiscard]] u64 count() const { return count_; }
  /// Writes strings and pointers below `top` of the stack and returns the stack pointer, which is argv too.
  [[nodiscard]] lib::Result<u64> write_to(mm::AddressSpace& memory, u64 top) const;

 private:
  /// Accounts for a string of `length` bytes, NUL included, that lies at the block's end.
  [[nodiscard]] lib::Result<void> accept(usize length);
  [[nodiscard]] usize bytes_with_pointers(usize string_count) const;
  [[nodiscard]] char* end() const { return bytes_ + used_; }

  usize capacity_;
  char* bytes_ = nullptr;
  usize used_ = 0;  ///< a multiple of 16
  u64 count_ = 0;
  std::array<u16, abi::max_arguments> offsets_{};
};

}  // namespace process
