// SPDX-License-Identifier: MIT
#pragma once
// Addresses of the network layer and above. All in host byte order: wire.hpp alone knows the order on the wire.

#include "lib/types.hpp"

namespace net {

/// An IPv4 address; 10.0.2.15 is 0x0a00020f.
struct Ipv4Address {
  u32 value = 0;

  [[nodiscard]] static constexpr Ipv4Address of(u8 a, u8 b, u8 c, u8 d) {
    return {u32{a} << 24 | u32{b} << 16 | u32{c} << 8 | u32{d}};
  }
  [[nodiscard]] constexpr bool is_loopback() const { return value >> 24 == 127; }
  /// Multicast and the reserved block above it, but for the limited broadcast.
  [[nodiscard]] constexpr bool is_multicast() const { return value >> 28 >= 14 && value != ~u32{0}; }
  constexpr bool operator==(const Ipv4Address&) const = default;
};
inline constexpr Ipv4Address limited_broadcast{~u32{0}};

/// A UDP port.
enum class Port : u16 {};

/// What the interface is called on its segment, and who takes what goes elsewhere.
struct Configuration {
  Ipv4Address address = Ipv4Address::of(10, 0, 2, 15);  ///< QEMU's user network, until something else is set
  Ipv4Address gateway = Ipv4Address::of(10, 0, 2, 2);
  u32 prefix_length = 24;

  [[nodiscard]] constexpr u32 mask() const { return prefix_length == 0 ? 0 : ~u32{0} << (32 - prefix_length); }
  [[nodiscard]] constexpr bool is_on_segment(Ipv4Address other) const {
    return ((other.value ^ address.value) & mask()) == 0;
  }
  [[nodiscard]] constexpr bool is_broadcast(Ipv4Address other) const {
    return other == limited_broadcast ||
           (prefix_length < 31 && is_on_segment(other) && (other.value | mask()) == ~u32{0});
  }
  /// Ours, so that a datagram to it never leaves the machine.
  [[nodiscard]] constexpr bool is_own(Ipv4Address other) const { return other == address || other.is_loopback(); }
};

}  // namespace net
