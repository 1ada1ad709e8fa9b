// SPDX-License-Identifier: MIT
#pragma once
// SiFive's test device: a guest ends the machine by it, with a status.

#include "vellum/isa/types.hpp"

namespace vellum {

struct Finisher {
  enum class Wish : u8 { nothing, power_off, reset };
  u32 status = 0;  // of power_off: 0 passed
  Wish wish = Wish::nothing;
  u8 unused[3]{};

  void write(u32 value) {
    constexpr u32 fail = 0x3333, pass = 0x5555, again = 0x7777;
    switch (value & 0xffff) {
      case fail:
        wish = Wish::power_off;
        status = value >> 16;
        break;
      case pass:
        wish = Wish::power_off;
        status = 0;
        break;
      case again: wish = Wish::reset; break;
      default: break;
    }
  }
};

}  // namespace vellum
