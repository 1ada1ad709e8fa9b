#pragma once
// The 16550 UART: bytes out, bytes in. Editing and lines are the console's business.

#include <optional>
#include <string_view>

#include "lib/types.hpp"

namespace dev::uart {

/// Whether a 16550 answers at this kernel address: it keeps what is written into its scratch register. Nothing that
/// does not answer is harmed, but whatever else is there has been written to.
[[nodiscard]] bool answers(u64 registers);

/// Sets up the UART whose registers are at this kernel address: 8 bits, FIFOs, receive interrupt.
void start(u64 registers);

/// Raises the interrupt line by asking for the transmitter's interrupt while it has nothing to do; and takes it back.
/// Boot tries with it whether the line arrives.
void raise_interrupt();
void lower_interrupt();

/// Changes the kernel address (paging came on) without touching the device.
void move_to(u64 registers);

/// Sends the bytes, waiting until the transmitter takes them. Works in any state of the machine.
void put(std::string_view bytes);

/// The next received byte, if there is one.
[[nodiscard]] std::optional<char> get();

}  // namespace dev::uart
