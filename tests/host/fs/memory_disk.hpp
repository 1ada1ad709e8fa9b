// SPDX-License-Identifier: MIT
#pragma once
// A disk in host memory for the file system's tests: it remembers every write and flush, so that a test can ask what a
// power cut would have left, and fails where it is told to.

#include <cstring>
#include <mutex>
#include <random>
#include <vector>

#include "dev/block_device.hpp"

namespace fs_test {

class MemoryDisk final : public dev::BlockDevice {
 public:
  explicit MemoryDisk(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] u64 block_count() const override { return bytes_.size() / block_bytes; }

  lib::Result<void> read_many(std::span<const dev::BlockRead> reads) override {
    const std::lock_guard guard(mutex_);
    for (const dev::BlockRead& read : reads) {
      ++reads_;
      if (must_fail() || !fits(read.block, read.data.size())) return lib::fail(lib::Error::io);
      std::memcpy(read.data.data(), at(read.block), read.data.size());
    }
    return {};
  }

  lib::Result<void> write_many(std::span<const dev::BlockWrite> writes) override {
    const std::lock_guard guard(mutex_);
    for (const dev::BlockWrite& write : writes) {
      ++writes_;
      if (must_fail() || !fits(write.block, write.data.size())) return lib::fail(lib::Error::io);
      std::memcpy(at(write.block), write.data.data(), write.data.size());
      if (recording_) events_.push_back({write.block, {write.data.begin(), write.data.end()}});
    }
    return {};
  }

  lib::Result<void> flush() override {
    const std::lock_guard guard(mutex_);
    ++flushes_;
    if (must_fail()) return lib::fail(lib::Error::io);
    if (recording_) events_.push_back({is_flush, {}});
    return {};
  }

  [[nodiscard]] std::span<std::byte> bytes() { return bytes_; }
  [[nodiscard]] u64 reads() const { return reads_; }
  [[nodiscard]] u64 writes() const { return writes_; }
  [[nodiscard]] u64 flushes() const { return flushes_; }

  // --- Failure ---

  enum class Failing { once, from_then_on };
  /// The `n`-th request from now (1 is the next) fails. 0: none.
  void fail_at(u64 n, Failing failing) {
    const std::lock_guard guard(mutex_);
    countdown_ = n;
    failing_ = failing;
    failed_ = false;
  }
  [[nodiscard]] bool has_failed() const { return failed_; }

  // --- Power cuts ---

  /// From now on writes are remembered; the present content is where a cut starts from.
  void record() {
    recording_ = true;
    start_ = bytes_;
    events_.clear();
  }
  [[nodiscard]] usize event_count() {
    const std::lock_guard guard(mutex_);
    return events_.size();
  }
  /// What may be on the platters when power fails after `cut` events: all that was flushed, and of what was written
  /// since, any selection, each write whole, missing, or torn between its sectors of 512 bytes.
  [[nodiscard]] std::vector<std::byte> after_cut(usize cut, std::mt19937& random) const {
    std::vector<std::byte> image = start_;
    usize flushed = cut;
    while (flushed > 0 && events_[flushed - 1].block != is_flush) --flushed;
    for (usize i = 0; i < cut; ++i) {
      const Event& event = events_[i];
      if (event.block == is_flush) continue;
      std::byte* const to = image.data() + event.block * block_bytes;
      for (usize sector = 0; sector < event.data.size(); sector += 512) {
        if (i >= flushed && random() % 2 == 0) continue;
        std::memcpy(to + sector, event.data.data() + sector, 512);
      }
    }
    return image;
  }
  /// The simple cut: the first `cut` events happened, nothing after.
  [[nodiscard]] std::vector<std::byte> after_events(usize cut) const {
    std::vector<std::byte> image = start_;
    for (usize i = 0; i < cut; ++i) {
      if (events_[i].block != is_flush) {
        std::memcpy(image.data() + events_[i].block * block_bytes, events_[i].data.data(), events_[i].data.size());
      }
    }
    return image;
  }

 private:
  static constexpr u64 is_flush = ~u64{0};
  struct Event {
    u64 block;
    std::vector<std::byte> data;
  };

  [[nodiscard]] bool fits(u64 block, usize size) const { return block * block_bytes + size <= bytes_.size(); }
  [[nodiscard]] std::byte* at(u64 block) { return bytes_.data() + block * block_bytes; }
  [[nodiscard]] bool must_fail() {
    if (failed_ && failing_ == Failing::from_then_on) return true;
    if (countdown_ == 0 || --countdown_ != 0) return false;
    failed_ = true;
    return true;
  }

  std::mutex mutex_;
  std::vector<std::byte> bytes_;
  std::vector<std::byte> start_;
  std::vector<Event> events_;
  bool recording_ = false;
  u64 reads_ = 0, writes_ = 0, flushes_ = 0;
  u64 countdown_ = 0;
  Failing failing_ = Failing::once;
  bool failed_ = false;
};

}  // namespace fs_test
