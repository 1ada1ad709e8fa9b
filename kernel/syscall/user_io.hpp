// SPDX-License-Identifier: MIT
#pragma once

#include "fs/copy.hpp"
#include "mm/address_space.hpp"

// The two ends of a read or write call that lie in the program's memory. The long way of a copy is kept apart, so that
// the short one has little to remember.
namespace calls {

/// Bytes go to user memory from `address` on.
class UserSink final : public fs::DataSink {
 public:
  UserSink(mm::AddressSpace& memory, u64 address) : memory_(memory), next_(address) {}

  fs::CopyResult put(std::span<const std::byte> bytes) override {
    const usize missing = memory_.short_copy_out(sv39::VirtAddr(next_), bytes.data(), bytes.size());
    if (missing != 0) [[unlikely]]
      return put_rest(bytes, bytes.size() - missing);
    next_ += bytes.size();
    return {bytes.size(), {}};
  }
  lib::Result<void> page_in() override { return memory_.page_in(sv39::VirtAddr(next_), sv39::Access::write); }

 private:
  [[gnu::noinline]] fs::CopyResult put_rest(std::span<const std::byte> bytes, usize done) {
    const fs::CopyResult copy = mm::finish_copy_out(memory_, sv39::VirtAddr(next_), bytes.data(), bytes.size(), done);
    next_ += copy.copied;
    return copy;
  }

  mm::AddressSpace& memory_;
  u64 next_;
};

/// Bytes come from user memory from `address` on.
class UserSource final : public fs::DataSource {
 public:
  UserSource(mm::AddressSpace& memory, u64 address) : memory_(memory), next_(address) {}

  fs::CopyResult take(std::span<std::byte> bytes) override {
    const usize missing = memory_.short_copy_in(bytes.data(), sv39::VirtAddr(next_), bytes.size());
    if (missing != 0) [[unlikely]]
      return take_rest(bytes, bytes.size() - missing);
    next_ += bytes.size();
    return {bytes.size(), {}};
  }
  lib::Result<void> page_in() override { return memory_.page_in(sv39::VirtAddr(next_), sv39::Access::read); }

 private:
  [[gnu::noinline]] fs::CopyResult take_rest(std::span<std::byte> bytes, usize done) {
    const fs::CopyResult copy = mm::finish_copy_in(memory_, bytes.data(), sv39::VirtAddr(next_), bytes.size(), done);
    next_ += copy.copied;
    return copy;
  }

  mm::AddressSpace& memory_;
  u64 next_;
};

}  // namespace calls
