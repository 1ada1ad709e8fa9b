// SPDX-License-Identifier: MIT
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

/// Asks for the transmitter's interrupt, which comes when it has nothing to do, at once if that is so already; and
/// takes the wish back.
void ask_for_room();
void stop_asking_for_room();

/// Changes the kernel address (paging came on) without touching the device.
void move_to(u64 registers);

/// Sends as many of the bytes as the transmitter takes now, and says how many: none while it is busy.
[[nodiscard]] usize send(std::string_view bytes);

/// The next received byte, if there is one.
[[nodiscard]] std::optional<char> get();

}  // namespace dev::uart
