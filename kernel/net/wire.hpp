// SPDX-License-Identifier: MIT
#pragma once
// Headers as they lie in a frame (RFC 894, 826, 791, 792, 768). Every number is big-endian, and only what has been
// checked to lie inside the frame is read through these.

#include <bit>
#include <span>

#include "dev/network_device.hpp"
#include "net/address.hpp"

namespace net {

/// A number in network byte order.
template <class T>
class BigEndian {
 public:
  constexpr BigEndian() = default;
  constexpr BigEndian(T value) : bytes_(std::byteswap(value)) {}  // NOLINT: it stands for the number
  constexpr operator T() const { return std::byteswap(bytes_); }  // NOLINT

 private:
  T bytes_ = 0;
};
static_assert(std::endian::native == std::endian::little);
using Be16 = BigEndian<u16>;
using Be32 = BigEndian<u32>;

enum class EtherType : u16 { ipv4 = 0x0800, arp = 0x0806 };

struct EthernetHeader {
  dev::MacAddress destination;
  dev::MacAddress source;
  Be16 type;
};
static_assert(sizeof(EthernetHeader) == 14);

/// RFC 826 for IPv4 over Ethernet. Its 32-bit numbers are not aligned in the packet.
struct ArpPacket {
  static constexpr u16 ethernet = 1, request = 1, reply = 2;
  struct Address {
    std::array<Be16, 2> halves{};
    constexpr Address() = default;
    constexpr Address(Ipv4Address address)  // NOLINT: the same in another order
        : halves{static_cast<u16>(address.value >> 16), static_cast<u16>(address.value)} {}
    [[nodiscard]] constexpr Ipv4Address get() const { return {u32{halves[0]} << 16 | halves[1]}; }
  };

  Be16 hardware, protocol;
  u8 hardware_length, protocol_length;
  Be16 operation;
  dev::MacAddress sender;
  Address sender_address;
  dev::MacAddress target;
  Address target_address;
};
static_assert(sizeof(ArpPacket) == 28);

struct Ipv4Header {
  static constexpr u8 version_4_length_20 = 0x45;  ///< no options
  static constexpr u16 dont_fragment = 0x4000, more_or_offset = 0x3fff;
  static constexpr u8 icmp = 1, udp = 17;

  u8 version_and_length;
  u8 service;
  Be16 total_length;  ///< header and what follows
  Be16 identification;
  Be16 fragment;
  u8 time_to_live;
  u8 protocol;
  Be16 checksum;
  Be32 source;
  Be32 destination;
};
static_assert(sizeof(Ipv4Header) == 20);

struct UdpHeader {
  Be16 source;
  Be16 destination;
  Be16 length;    ///< header and payload
  Be16 checksum;  ///< 0: none
};
static_assert(sizeof(UdpHeader) == 8);

struct IcmpEcho {
  static constexpr u8 reply_type = 0, request_type = 8;
  u8 type;
  u8 code;
  Be16 checksum;
  Be16 identifier;
  Be16 sequence;
};
static_assert(sizeof(IcmpEcho) == 8);

inline constexpr usize ip_at = sizeof(EthernetHeader);
inline constexpr usize transport_at = ip_at + sizeof(Ipv4Header);
inline constexpr usize payload_at = transport_at + sizeof(UdpHeader);
static_assert(sizeof(UdpHeader) == sizeof(IcmpEcho));
/// The largest payload of a datagram: what a frame of 1,500 bytes has room for.
inline constexpr usize max_payload = dev::PacketBuffer::max_frame - payload_at;
inline constexpr usize min_frame = 60;  ///< a shorter one is padded with zeros

/// The header at this place of the packet, which is known to be long enough.
template <class Header>
[[nodiscard]] inline Header& header_at(const dev::Packet& packet, usize at) {
  return *reinterpret_cast<Header*>(packet->data + at);
}

}  // namespace net
