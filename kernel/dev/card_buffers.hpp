// SPDX-License-Identifier: MIT
#pragma once
// What the drivers of network cards do with the packets in their receive rings, whatever the ring looks like.

#include <span>

#include "dev/network_device.hpp"
#include "dev/packet.hpp"

namespace dev {

/// Frames that are taken out of a ring in one go at most. An interrupt that finds as many leaves the rest to a thread;
/// so it does with all of them while the pool is low: the thread fills it first.
inline constexpr u32 receive_burst = 64;

/// Puts a packet into each; without memory into none, and false.
[[nodiscard]] bool fill(std::span<Packet> buffers);

enum class Arrival : u8 { good, bad };

/// Takes a frame of `length` bytes out of a ring's buffer, which a packet from the pool replaces. Counts it. Nothing
/// comes of a frame that is bad, or when the pool is empty: it is dropped then, and its buffer is used again.
[[nodiscard]] Packet take_frame(Packet& buffer, Arrival arrival, u32 length, CardCounters& counters);

/// A frame from the wire has two addresses, a type, and no more than Ethernet allows.
[[nodiscard]] constexpr bool is_possible_frame(u32 length) {
  return length >= sizeof(MacAddress) * 2 + 2 && length <= PacketBuffer::max_frame;
}

}  // namespace dev
