// SPDX-License-Identifier: MIT
#pragma once
// A network card, as the network stack sees it.

#include <array>

#include "dev/packet.hpp"
#include "lib/types.hpp"

namespace dev {

/// An Ethernet address, first byte first on the wire.
struct MacAddress {
  std::array<u8, 6> bytes{};
  constexpr bool operator==(const MacAddress&) const = default;
};
inline constexpr MacAddress broadcast_mac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/// What a driver counts beside the frames that it hands up.
struct CardCounters {
  u64 transmitted = 0;    ///< frames that the card took
  u64 transmit_full = 0;  ///< frames dropped since the card had no room for them
  u64 received = 0;       ///< good frames that were handed up
  u64 bad_frames = 0;     ///< frames with an error, too short, or longer than a buffer
  u64 no_buffer = 0;      ///< good frames dropped since the pool was empty
  u64 interrupts = 0;
  u64 polls = 0;   ///< bursts that were taken up by the keeper, with the card's interrupt off
  u64 missed = 0;  ///< frames that the card itself counts as lost, since its ring was full; 0 if it counts none
  u64 resets = 0;  ///< times that the card had lost its state and was started anew
};

/// Who gets the frames that arrive.
class PacketReceiver {
 public:
  /// A frame from the wire, Ethernet header first, without its CRC. Called in interrupts and under the driver's
  /// receive lock, one frame after the other in the order of arrival; it never sleeps and never allocates.
  virtual void receive(Packet packet) = 0;
  /// More has arrived than one interrupt may take: someone is to call poll() soon, from a thread.
  virtual void work_is_waiting() = 0;

 protected:
  ~PacketReceiver() = default;
};

/// What to do when a card has no room for a frame.
enum class WhenFull : u8 { drop, sleep };

/// One card. transmit() may be called by several threads and in interrupts.
class NetworkDevice {
 public:
  [[nodiscard]] virtual const char* name() const = 0;
  [[nodiscard]] virtual MacAddress address() const = 0;

  /// Frames arrive at `receiver` from now on. Once.
  virtual void open(PacketReceiver& receiver) = 0;

  /// Gives a frame, Ethernet header first, to the card, which frees it when it is on the wire. With WhenFull::sleep a
  /// thread waits for room: never under a spin lock; interrupted if it was killed. busy: dropped and counted.
  [[nodiscard]] virtual lib::Result<void> transmit(Packet packet, WhenFull when_full) = 0;

  /// Takes up some of what has arrived; `yes`: there may be more. From a thread, under no lock.
  enum class More : u8 { no, yes };
  [[nodiscard]] virtual More poll() = 0;

  /// From a thread, now and then: takes back what was sent, and starts a card anew that has lost its state.
  virtual void tend() = 0;

  [[nodiscard]] virtual CardCounters counters() = 0;

 protected:
  ~NetworkDevice() = default;
};

}  // namespace dev
