// SPDX-License-Identifier: MIT
#pragma once

#include "net/stack.hpp"

namespace process {

/// The machine's one network. There without a card too: then it reaches this machine only.
[[nodiscard]] net::Stack& network();

/// The clock of its deadlines: milliseconds since boot.
[[nodiscard]] u64 network_clock();

/// Opens the card, if there is one, and starts the thread that does what interrupts must not: allocate, ask again, tend
/// the card. Once, at boot.
void start_network(dev::NetworkDevice* card);

}  // namespace process
