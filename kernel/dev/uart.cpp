// SPDX-License-Identifier: MIT
#include "dev/uart.hpp"

#include "arch/riscv64/probe.hpp"
#include "dev/mmio.hpp"

namespace dev::uart {

namespace {

// Register offsets of the 16550; some mean different things for read and write.
constexpr u64 receive = 0, transmit = 0, interrupt_enable = 1, fifo_control = 2, line_control = 3, line_status = 5,
              scratch = 7;
constexpr u8 receive_interrupt = 1 << 0, transmit_interrupt = 1 << 1;
constexpr u8 fifo_enable = 1 << 0, fifo_clear = 3 << 1;
constexpr u8 eight_bits = 3;
constexpr usize fifo_size = 16;
constexpr u8 data_ready = 1 << 0, transmitter_empty = 1 << 5;

u64 base = 0;

}  // namespace

bool answers(u64 registers) {
  for (const u8 pattern : {u8{0x5a}, u8{0xa5}}) {
    if (!arch::probe_store_byte(registers + scratch, pattern)) return false;
    if (arch::probe_byte(registers + scratch) != pattern) return false;
  }
  return true;
}

void start(u64 registers) {
  base = registers;
  // The baud rate stays as the firmware or emulator left it; it means nothing on QEMU.
  mmio_write<u8>(base + interrupt_enable, 0);
  mmio_write<u8>(base + line_control, eight_bits);
  mmio_write<u8>(base + fifo_control, fifo_enable | fifo_clear);
  mmio_write<u8>(base + interrupt_enable, receive_interrupt);
}

void ask_for_room() { mmio_write<u8>(base + interrupt_enable, receive_interrupt | transmit_interrupt); }
void stop_asking_for_room() { mmio_write<u8>(base + interrupt_enable, receive_interrupt); }

void move_to(u64 registers) { base = registers; }

usize send(std::string_view bytes) {
  // When the status says empty, the whole FIFO is.
  if ((mmio_read<u8>(base + line_status) & transmitter_empty) == 0) return 0;
  const std::string_view now = bytes.substr(0, fifo_size);
  for (const char byte : now) mmio_write<u8>(base + transmit, static_cast<u8>(byte));
  return now.size();
}

std::optional<char> get() {
  if ((mmio_read<u8>(base + line_status) & data_ready) == 0) return std::nullopt;
  return static_cast<char>(mmio_read<u8>(base + receive));
}

}  // namespace dev::uart
