// SPDX-License-Identifier: MIT
#pragma once
// Where file data goes to and comes from: user memory, or kernel memory (exec, tests). Abstract, so that the
// file system knows nothing of address spaces.

#include <cstring>
#include <span>

#include "lib/copy.hpp"
#include "lib/types.hpp"

namespace fs {

using lib::CopyResult;

/// Takes bytes one after the other (the user buffer of a read).
class DataSink {
 public:
  /// Appends `bytes`. Never sleeps, so it may be called under any lock.
  [[nodiscard]] virtual CopyResult put(std::span<const std::byte> bytes) = 0;
  /// After Error::needs_page_in: brings the missing page. May sleep; the caller holds no lock and no transaction.
  [[nodiscard]] virtual lib::Result<void> page_in() = 0;

 protected:
  ~DataSink() = default;
};

/// Gives bytes one after the other (the user buffer of a write).
class DataSource {
 public:
  /// Fills `bytes`. Never sleeps, so it may be called under any lock.
  [[nodiscard]] virtual CopyResult take(std::span<std::byte> bytes) = 0;
  /// As DataSink::page_in.
  [[nodiscard]] virtual lib::Result<void> page_in() = 0;

 protected:
  ~DataSource() = default;
};

/// A sink over kernel memory. Bytes beyond its end are a fault.
class MemorySink final : public DataSink {
 public:
  explicit MemorySink(std::span<std::byte> memory) : rest_(memory) {}
  CopyResult put(std::span<const std::byte> bytes) override {
    const usize n = bytes.size() < rest_.size() ? bytes.size() : rest_.size();
    if (n != 0) std::memcpy(rest_.data(), bytes.data(), n);
    rest_ = rest_.subspan(n);
    if (n != bytes.size()) return {n, lib::fail(lib::Error::bad_address)};
    return {n, {}};
  }
  lib::Result<void> page_in() override { return {}; }

 private:
  std::span<std::byte> rest_;
};

/// A source over kernel memory. Bytes beyond its end are a fault.
class MemorySource final : public DataSource {
 public:
  explicit MemorySource(std::span<const std::byte> memory) : rest_(memory) {}
  CopyResult take(std::span<std::byte> bytes) override {
    const usize n = bytes.size() < rest_.size() ? bytes.size() : rest_.size();
    if (n != 0) std::memcpy(bytes.data(), rest_.data(), n);
    rest_ = rest_.subspan(n);
    if (n != bytes.size()) return {n, lib::fail(lib::Error::bad_address)};
    return {n, {}};
  }
  lib::Result<void> page_in() override { return {}; }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace fs
