// SPDX-License-Identifier: MIT
#pragma once

#include "fs/copy.hpp"
#include "mm/address_space.hpp"

// The two ends of a read or write call that lie in the program's memory.
namespace calls {

/// Bytes go to user memory from `address` on.
class UserSink final : public fs::DataSink {
 public:
  UserSink(mm::AddressSpace& memory, u64 address) : memory_(memory), next_(address) {}

  fs::CopyResult put(std::span<const std::byte> bytes) override {
    const fs::CopyResult copy = memory_.copy_out(sv39::VirtAddr(next_), bytes.data(), bytes.size());
    next_ += copy.copied;
    return copy;
  }
  lib::Result<void> page_in() override { return memory_.page_in(sv39::VirtAddr(next_), sv39::Access::write); }

 private:
  mm::AddressSpace& memory_;
  u64 next_;
};

/// Bytes come from user memory from `address` on.
class UserSource final : public fs::DataSource {
 public:
  UserSource(mm::AddressSpace& memory, u64 address) : memory_(memory), next_(address) {}

  fs::CopyResult take(std::span<std::byte> bytes) override {
    const fs::CopyResult copy = memory_.copy_in(bytes.data(), sv39::VirtAddr(next_), bytes.size());
    next_ += copy.copied;
    return copy;
  }
  lib::Result<void> page_in() override { return memory_.page_in(sv39::VirtAddr(next_), sv39::Access::read); }

 private:
  mm::AddressSpace& memory_;
  u64 next_;
};

}  // namespace calls
