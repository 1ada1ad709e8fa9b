// SPDX-License-Identifier: MIT
#pragma once
// The serial line: a 16550A. Sending takes no time; what comes in waits in a queue until the guest takes it.

#include <array>
#include <optional>
#include <span>

#include "vellum/isa/types.hpp"

namespace vellum {

class Uart {
 public:
  static constexpr usize input_capacity = 4096;

  /// Takes bytes that someone typed; returns how many there was room for.
  usize feed(std::span<const u8> bytes) {
    usize taken = 0;
    while (taken < bytes.size() && input_.count < input_capacity) input_.put(bytes[taken++]);
    return taken;
  }
  [[nodiscard]] usize input_waiting() const { return input_.count; }

  [[nodiscard]] bool line() const { return interrupt_cause() != no_interrupt; }

  u8 read(u64 offset) {
    switch (offset) {
      case 0:
        if (divisor_selected()) return static_cast<u8>(divisor_);
        return input_.count > 0 ? input_.take() : 0;
      case 1: return divisor_selected() ? static_cast<u8>(divisor_ >> 8) : interrupt_enable_;
      case 2: {
        const u8 cause = interrupt_cause();
        if (cause == transmitter_empty) empty_pending_ = false;
        return cause | (fifo_enabled_ ? 0xc0 : 0);
      }
      case 3: return line_control_;
      case 4: return modem_control_;
      case 5: return static_cast<u8>(0x60 | (input_.count > 0 ? 1 : 0));  // transmitter empty; data ready
      case 6: return 0xb0;  // carrier, data set ready, clear to send
      case 7: return scratch_;
      default: return 0;
    }
  }

  /// The byte that goes out, if the register was the transmitter's.
  std::optional<u8> write(u64 offset, u8 value) {
    switch (offset) {
      case 0:
        if (divisor_selected()) {
          divisor_ = static_cast<u16>((divisor_ & 0xff00) | value);
        } else {
          empty_pending_ = true;
          return value;
        }
        break;
      case 1:
        if (divisor_selected()) {
          divisor_ = static_cast<u16>((divisor_ & 0xff) | value << 8);
        } else {
          // Switching the transmitter's interrupt on raises it: the transmitter is empty.
          if ((value & ~interrupt_enable_ & 2) != 0) empty_pending_ = true;
          interrupt_enable_ = value & 0xf;
        }
        break;
      case 2:
        fifo_enabled_ = (value & 1) != 0;
        if ((value & 2) != 0) input_ = {};
        break;
      case 3: line_control_ = value; break;
      case 4: modem_control_ = value & 0x1f; break;
      case 7: scratch_ = value; break;
      default: break;
    }
    return std::nullopt;
  }

 private:
  static constexpr u8 no_interrupt = 1, transmitter_empty = 2, data_available = 4;

  template <usize capacity>
  struct Queue {
    std::array<u8, capacity> bytes{};
    u32 first = 0, count = 0;
    void put(u8 byte) {
      if (count == capacity) return;
      bytes[(first + count++) % capacity] = byte;
    }
    u8 take() {
      const u8 byte = bytes[first];
      first = (first + 1) % capacity;
      --count;
      return byte;
    }
  };

  [[nodiscard]] bool divisor_selected() const { return (line_control_ & 0x80) != 0; }
  [[nodiscard]] u8 interrupt_cause() const {
    if ((interrupt_enable_ & 1) != 0 && input_.count > 0) return data_available;
    if ((interrupt_enable_ & 2) != 0 && empty_pending_) return transmitter_empty;
    return no_interrupt;
  }

  Queue<input_capacity> input_;
  u16 divisor_ = 12;
  u8 interrupt_enable_ = 0, line_control_ = 3, modem_control_ = 8, scratch_ = 0;
  bool fifo_enabled_ = false, empty_pending_ = false;
};

}  // namespace vellum
