// SPDX-License-Identifier: MIT
#pragma once
// Where a test's decisions come from: a seeded generator, or the bytes of a fuzzer.

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace mm_test {

class Choices {
 public:
  explicit Choices(std::uint64_t seed) : random_(seed) {}
  explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes), from_bytes_(true) {}

  /// False when a fuzzer's input is used up.
  [[nodiscard]] bool more() const { return !from_bytes_ || !bytes_.empty(); }

  /// A number in [0, limit); limit > 0.
  std::uint64_t below(std::uint64_t limit) {
    if (!from_bytes_) return random_() % limit;
    std::uint64_t value = 0;
    for (std::uint64_t reach = 1; reach < limit && !bytes_.empty() && reach != 0; reach <<= 8) {
      value = value << 8 | bytes_.front();
      bytes_ = bytes_.subspan(1);
      if (reach >= std::uint64_t{1} << 56) break;
    }
    return value % limit;
  }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 random_;
  std::span<const std::uint8_t> bytes_;
  bool from_bytes_ = false;
};

}  // namespace mm_test
