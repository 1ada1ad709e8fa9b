// SPDX-License-Identifier: MIT
#pragma once
// The platform-level interrupt controller (RISC-V PLIC specification 1.0): from the lines of devices to those of harts.

#include <array>

#include "vellum/dev/map.hpp"

namespace vellum {

template <u32 harts>
class Plic {
 public:
  /// Two contexts for each hart: machine mode's, then supervisor mode's.
  static constexpr u32 contexts = 2 * harts;

  /// The level of a device's line. While it is high, and no hart is at work on it, the source is pending.
  void set_line(u32 source, bool is_high) {
    const u64 bit = u64{1} << (source & 63);
    u64& word = lines_[source >> 6];
    word = is_high ? word | bit : word & ~bit;
  }

  /// Whether a context has an interrupt above its threshold.
  [[nodiscard]] bool is_raised(u32 context) const { return best_source(context) != 0; }

  [[nodiscard]] u32 read(u64 offset) {
    if (offset < pending_base) return offset / 4 < sources ? priority_[offset / 4] : 0;
    if (offset < enable_base) {
      const u64 word = (offset - pending_base) / 4;
      return word < enable_words ? static_cast<u32>(pending(static_cast<u32>(word / 2)) >> 32 * (word & 1)) : 0;
    }
    if (offset < context_base) {
      const u64 context = (offset - enable_base) / enable_stride, word = offset % enable_stride / 4;
      return context < contexts && word < enable_words ? enabled_[context][word] : 0;
    }
    const u64 context = (offset - context_base) / context_stride;
    if (context >= contexts) return 0;
    switch (offset % context_stride) {
      case 0: return threshold_[context];
      case 4: return claim(static_cast<u32>(context));
      default: return 0;
    }
  }

  void write(u64 offset, u32 value) {
    if (offset < pending_base) {
      if (offset / 4 < sources && offset != 0) priority_[offset / 4] = value & highest_priority;
      return;
    }
    if (offset < enable_base) return;  // pending bits are read-only
    if (offset < context_base) {
      const u64 context = (offset - enable_base) / enable_stride, word = offset % enable_stride / 4;
      if (context < contexts && word < enable_words) enabled_[context][word] = word == 0 ? value & ~1U : value;
      return;
    }
    const u64 context = (offset - context_base) / context_stride;
    if (context >= contexts) return;
    if (offset % context_stride == 0) threshold_[context] = value & highest_priority;
    if (offset % context_stride == 4) complete(static_cast<u32>(context), value);
  }

 private:
  static constexpr u32 sources = map::interrupt_sources;
  static constexpr u32 enable_words = (sources + 31) / 32, line_words = (sources + 63) / 64;
  static constexpr u32 highest_priority = 7;
  static constexpr u64 pending_base = 0x1000, enable_base = 0x2000, enable_stride = 0x80, context_base = 0x200000,
                       context_stride = 0x1000;

  [[nodiscard]] u64 pending(u32 word) const { return word < line_words ? lines_[word] & ~in_service_[word] : 0; }
  [[nodiscard]] u64 enabled(u32 context, u32 word) const {
    const u64 low = enabled_[context][2 * word];
    const u64 high = 2 * word + 1 < enable_words ? enabled_[context][2 * word + 1] : 0;
    return low | high << 32;
  }

  /// The pending and enabled source of highest priority, the lowest number among equals; 0 when there is none.
  [[nodiscard]] u32 best_source(u32 context) const {
    u32 best = 0, best_priority = threshold_[context];
    for (u32 word = 0; word < line_words; ++word) {
      for (u64 rest = pending(word) & enabled(context, word); rest != 0; rest &= rest - 1) {
        const u32 source = 64 * word + static_cast<u32>(std::countr_zero(rest));
        if (source < sources && priority_[source] > best_priority) {
          best = source;
          best_priority = priority_[source];
        }
      }
    }
    return best;
  }

  u32 claim(u32 context) {
    const u32 source = best_source(context);
    if (source != 0) in_service_[source >> 6] |= u64{1} << (source & 63);
    return source;
  }
  void complete(u32 context, u32 source) {
    if (source >= sources || (enabled(context, source >> 6) >> (source & 63) & 1) == 0) return;
    in_service_[source >> 6] &= ~(u64{1} << (source & 63));
  }

  std::array<u32, sources> priority_{};
  std::array<u64, line_words> lines_{};
  std::array<u64, line_words> in_service_{};
  std::array<std::array<u32, enable_words>, contexts> enabled_{};
  std::array<u32, contexts> threshold_{};
};

}  // namespace vellum
