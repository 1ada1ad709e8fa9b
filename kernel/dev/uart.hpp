#pragma once
// The 16550 UART: bytes out, bytes in. Editing and lines are the console's business.

#include <optional>
#include <string_view>

#include "lib/types.hpp"

namespace dev::uart {

/// Sets up the UART whose registers are at this kernel address: 8 bits, FIFOs, receive interrupt.
void start(u64 registers);

/// Changes the kernel address (paging came on) without touching the device.
void move_to(u64 registers);

/// Sends the bytes, waiting until the transmitter takes them. Works in any state of the machine.
void put(std::string_view bytes);

/// The next received byte, if there is one.
[[nodiscard]] std::optional<char> get();

}  // namespace dev::uart
