// SPDX-License-Identifier: MIT
#include "dev/card_buffers.hpp"

namespace dev {

bool fill(std::span<Packet> buffers) {
  for (Packet& buffer : buffers) {
    auto packet = Packet::make();
    if (!packet) {
      for (Packet& taken : buffers) taken.reset();
      return false;
    }
    buffer = std::move(*packet);
  }
  return true;
}

Packet take_frame(Packet& buffer, Arrival arrival, u32 length, CardCounters& counters) {
  if (arrival == Arrival::bad) {
    ++counters.bad_frames;
    return {};
  }
  Packet fresh = packet_pool().take();
  if (!fresh) {
    ++counters.no_buffer;
    return {};
  }
  Packet frame = std::exchange(buffer, std::move(fresh));
  frame->length = length;
  ++counters.received;
  return frame;
}

}  // namespace dev
