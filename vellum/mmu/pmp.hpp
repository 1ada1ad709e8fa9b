// SPDX-License-Identifier: MIT
#pragma once
// Physical memory protection (privileged manual, 3.7): who may touch which physical address.

#include <array>

#include "vellum/isa/privileged.hpp"

namespace vellum {

/// The protection registers of one hart and what they allow.
class Pmp {
 public:
  static constexpr u32 entries = 16;
  static constexpr u8 readable = 1, writable = 2, executable = 4, locked = 0x80;

  [[nodiscard]] u64 configuration(u32 first) const {
    u64 word = 0;
    for (u32 i = 0; i < 8; ++i) word |= u64{configuration_[first + i]} << (8 * i);
    return word;
  }
  [[nodiscard]] u64 address(u32 index) const { return address_[index]; }

  /// Writes the eight configuration bytes from `first` on; those of locked entries stay, and so does one that is
  /// reserved (W without R).
  void set_configuration(u32 first, u64 word) {
    for (u32 i = 0; i < 8; ++i) {
      u8& byte = configuration_[first + i];
      const u8 wanted = static_cast<u8>(word >> (8 * i)) & 0x9f;
      if ((byte & locked) == 0) byte = wanted;
    }
    note_change();
  }

  void set_address(u32 index, u64 value) {
    const bool is_locked = (configuration_[index] & locked) != 0;
    const bool is_bottom_of_locked = index + 1 < entries && (configuration_[index + 1] & locked) != 0 &&
                                     mode(configuration_[index + 1]) == top_of_range;
    if (is_locked || is_bottom_of_locked) return;
    address_[index] = value & (u64{1} << 54) - 1;
    note_change();
  }

  /// Whether an access may touch all of [address, address + size).
  [[nodiscard]] bool allows(u64 address, u64 size, AccessKind kind, Privilege privilege) const {
    if (any_active_ == 0) return privilege == Privilege::machine;
    for (u32 i = 0; i < entries; ++i) {
      const Range range = range_of(i);
      const u64 last = address + size - 1;
      if (range.first > range.last || last < range.first || address > range.last) continue;
      if (address < range.first || last > range.last) return false;  // 3.7.1: matched in part only
      const u8 configuration = configuration_[i];
      if (privilege == Privilege::machine && (configuration & locked) == 0) return true;
      return (configuration & right_for(kind)) != 0;
    }
    return privilege == Privilege::machine;
  }

  /// Whether one answer holds for the whole page, so that it may be remembered for it.
  [[nodiscard]] bool is_uniform(u64 page) const {
    if (any_active_ == 0) return true;
    const u64 last = page + page_bytes - 1;
    for (u32 i = 0; i < entries; ++i) {
      const Range range = range_of(i);
      if (range.first > range.last || last < range.first || page > range.last) continue;
      return page >= range.first && last <= range.last;
    }
    return true;
  }

 private:
  struct Range {
    u64 first, last;  // empty when first > last
  };
  static constexpr u32 off = 0, top_of_range = 1, four_bytes = 2, power_of_two = 3;
  static constexpr u32 mode(u8 configuration) { return configuration >> 3 & 3; }
  static constexpr u8 right_for(AccessKind kind) {
    return kind == AccessKind::fetch ? executable : kind == AccessKind::load ? readable : writable;
  }

  [[nodiscard]] Range range_of(u32 index) const { return ranges_[index]; }

  [[nodiscard]] Range computed_range(u32 index) const {
    const u64 word = address_[index];
    switch (mode(configuration_[index])) {
      case top_of_range: {
        const u64 bottom = index == 0 ? 0 : address_[index - 1] << 2;
        if (bottom >= word << 2) return {1, 0};
        return {bottom, (word << 2) - 1};
      }
      case four_bytes: return {word << 2, (word << 2) + 3};
      case power_of_two: {
        // The run of ones at the bottom says how long the range is: 0 ones for 8 bytes.
        const auto ones = static_cast<unsigned>(std::countr_one(word));
        const u64 size_minus_one = ones + 3 >= 64 ? ~u64{0} : (u64{1} << (ones + 3)) - 1;
        const u64 first = (word << 2) & ~size_minus_one;
        return {first, first | size_minus_one};
      }
      default: return {1, 0};
    }
  }

  void note_change() {
    any_active_ = 0;
    for (u32 i = 0; i < entries; ++i) {
      any_active_ |= mode(configuration_[i]) != off ? 1 : 0;
      ranges_[i] = computed_range(i);
    }
  }

  std::array<u8, entries> configuration_{};
  std::array<u64, entries> address_{};
  std::array<Range, entries> ranges_ = [] {
    std::array<Range, entries> none{};
    none.fill({1, 0});
    return none;
  }();
  u64 any_active_ = 0;
};

}  // namespace vellum
