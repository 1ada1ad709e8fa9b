// SPDX-License-Identifier: MIT
#include "process/argument_block.hpp"

#include <algorithm>
#include <cstring>

#include "process/argument_counters.hpp"
#include "process/user_memory.hpp"

namespace process {

namespace {

constexpr usize alignment = 16;

constexpr usize align_up(usize bytes) { return (bytes + alignment - 1) & ~(alignment - 1); }

/// The block's frames, by the number of bytes: one, or two neighbours.
mm::Order order_for(usize bytes) { return bytes > abi::page_size ? mm::Order{1} : mm::Order::page; }

/// Writes into a space that need not be the running one.
lib::Result<void> write_bytes(mm::AddressSpace& memory, u64 va, const void* from, usize count) {
  const char* next = static_cast<const char*>(from);
  while (count != 0) {
    const std::span<std::byte> place = memory.loaded_bytes(sv39::VirtAddr(va));
    if (place.empty()) return lib::fail(lib::Error::bad_address);
    const usize part = std::min(place.size(), count);
    std::memcpy(place.data(), next, part);
    next += part;
    va += part;
    count -= part;
  }
  return {};
}

}  // namespace

ArgumentBlock::~ArgumentBlock() {
  if (bytes_ != nullptr) mm::frames().free(arch::to_phys(bytes_).floor(), order_for(capacity_));
}

lib::Result<void> ArgumentBlock::allocate() {
  const auto block = mm::frames().allocate(mm::FrameState::kernel, mm::Zero::no, order_for(capacity_));
  if (!block) return lib::fail(block.error());
  bytes_ = static_cast<char*>(mm::frame_bytes(*block));
  return {};
}

usize ArgumentBlock::bytes_with_pointers(usize string_count) const {
  return used_ + align_up((string_count + 1) * sizeof(u64));
}

lib::Result<void> ArgumentBlock::accept(usize length) {
  const usize begin = used_;
  // The gap up to the next string must not carry an old frame's bytes into the program.
  const usize padded = align_up(length);
  std::memset(bytes_ + begin + length, 0, padded - length);
  used_ += padded;
  if (bytes_with_pointers(count_ + 1) > capacity_) return lib::fail(lib::Error::too_big);
  offsets_[count_++] = static_cast<u16>(begin);
  return {};
}

lib::Result<void> ArgumentBlock::copy_from(mm::AddressSpace& memory, u64 argument_vector) {
  for (u64 i = 0;; ++i) {
    u64 string = 0;
    count_argument(argument_counters.pointers);
    LIB_TRY(read_user(memory, argument_vector + i * sizeof string, &string, sizeof string));
    if (string == 0) return {};
    // xv6 holds max_arguments pointers, the null included (A18).
    if (i == abi::max_arguments - 1) return lib::fail(lib::Error::too_big);
    count_argument(argument_counters.strings);
    const usize limit = std::min(capacity_ - used_, usize{abi::page_size});
    LIB_TRY(accept(LIB_TRY(read_user_string(memory, string, end(), limit))));
  }
}

lib::Result<void> ArgumentBlock::add(std::string_view text) {
  if (count_ == abi::max_arguments - 1 || text.size() + alignment > capacity_ - used_) {
    return lib::fail(lib::Error::too_big);
  }
  std::memcpy(end(), text.data(), text.size());
  end()[text.size()] = '\0';
  return accept(text.size() + 1);
}

lib::Result<u64> ArgumentBlock::write_to(mm::AddressSpace& memory, u64 top) const {
  const u64 strings = top - used_;
  const u64 stack_pointer = top - bytes_with_pointers(count_);
  std::array<u64, abi::max_arguments> pointers{};
  for (usize i = 0; i < count_; ++i) pointers[i] = strings + offsets_[i];
  LIB_TRY(write_bytes(memory, strings, bytes_, used_));
  LIB_TRY(write_bytes(memory, stack_pointer, pointers.data(), (count_ + 1) * sizeof(u64)));
  return stack_pointer;
}

}  // namespace process
