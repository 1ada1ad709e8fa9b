// SPDX-License-Identifier: MIT
#pragma once
// The core-local interruptor: a software interrupt and a timer for each hart (SiFive's CLINT).

#include <array>

#include "vellum/isa/types.hpp"

namespace vellum {

template <u32 harts>
class Clint {
 public:
  [[nodiscard]] bool software_pending(u32 hart) const { return software_[hart] != 0; }
  /// When this hart's machine timer rings, in ticks.
  [[nodiscard]] u64 compare(u32 hart) const { return compare_[hart]; }
  /// The time as this device and the time CSR show it, from the ticks since reset.
  [[nodiscard]] u64 time(u64 ticks) const { return ticks + offset_; }
  /// The inverse: at how many ticks since reset the time is `time`; never, if that is past.
  [[nodiscard]] u64 ticks_at(u64 time) const { return time >= offset_ ? time - offset_ : 0; }

  [[nodiscard]] u64 read(u64 offset, u32 bytes, u64 ticks) const {
    if (offset < software_end) return offset / 4 < harts ? software_[offset / 4] : 0;
    if (offset >= compare_base && offset < compare_base + 8 * harts) {
      return part(compare_[(offset - compare_base) / 8], offset, bytes);
    }
    if (offset >= time_base && offset < time_base + 8) return part(time(ticks), offset, bytes);
    return 0;
  }

  void write(u64 offset, u32 bytes, u64 value, u64 ticks) {
    if (offset < software_end) {
      if (offset / 4 < harts) software_[offset / 4] = value & 1;
    } else if (offset >= compare_base && offset < compare_base + 8 * harts) {
      replace(compare_[(offset - compare_base) / 8], offset, bytes, value);
    } else if (offset >= time_base && offset < time_base + 8) {
      u64 now = time(ticks);
      replace(now, offset, bytes, value);
      offset_ = now - ticks;
    }
  }

 private:
  static constexpr u64 software_end = 0x4000, compare_base = 0x4000, time_base = 0xbff8;

  static u64 part(u64 word, u64 offset, u32 bytes) {
    if (bytes == 8) return word;
    return (offset & 4) != 0 ? word >> 32 : word & 0xffffffff;
  }
  static void replace(u64& word, u64 offset, u32 bytes, u64 value) {
    if (bytes == 8) {
      word = value;
    } else if ((offset & 4) != 0) {
      word = (word & 0xffffffff) | value << 32;
    } else {
      word = (word & ~u64{0xffffffff}) | (value & 0xffffffff);
    }
  }

  std::array<u32, harts> software_{};
  std::array<u64, harts> compare_{};  // so that mip shows the timer as pending from the beginning, as on QEMU
  u64 offset_ = 0;
};

}  // namespace vellum
