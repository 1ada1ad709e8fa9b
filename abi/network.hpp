// SPDX-License-Identifier: MIT
#pragma once
// What the netinfo call tells of the network: ifstat prints it, tests assert it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace abi {

enum class NetEvent : std::uint32_t {
  /// What came in, by what became of it.
  arp_request,  ///< someone asked for our address and was answered
  arp_reply,  ///< an answer, ours or someone else's
  arp_ignored,  ///< damaged, or for another host
  ethernet_ignored,  ///< neither IPv4 nor ARP, or for another card
  ip_received,  ///< IPv4 packets that are whole and for us
  ip_damaged,  ///< a wrong length, version or checksum
  ip_options,  ///< options behind the header
  ip_fragment,
  ip_not_ours,  ///< another destination, or an impossible source
  ip_protocol,  ///< neither UDP nor ICMP echo
  echo_request,  ///< pings that were answered
  echo_reply,
  icmp_ignored,  ///< damaged, or another type
  udp_received,  ///< datagrams for a port that someone listens to
  udp_damaged,  ///< a wrong length or checksum
  udp_no_port,  ///< datagrams for a port that nobody listens to
  udp_queue_full,  ///< dropped, as 16 wait already
  /// What went out.
  udp_sent,
  echo_sent,
  arp_asked,
  looped_back,  ///< packets to ourselves
  /// What did not.
  unreachable,  ///< packets whose next host did not answer ARP in time
  arp_waits,  ///< senders that slept, as much waited already for an address to become known
  send_failed,  ///< dropped since the card had no room, or there is none
  /// Receive buffers.
  frames_refilled,  ///< frames that a thread allocated for the pool; receiving itself allocates none
  /// The card (dev::CardCounters).
  card_transmitted,
  card_transmit_full,
  card_received,
  card_bad_frames,
  card_no_buffer,
  card_interrupts,
  card_polls,
  card_resets,
  card_missed,
  count_,
};

inline constexpr std::size_t net_event_count = static_cast<std::size_t>(NetEvent::count_);

inline constexpr std::array<std::string_view, net_event_count> net_event_names = {
    "arp_request",      "arp_reply",          "arp_ignored",   "ethernet_ignored", "ip_received",
    "ip_damaged",       "ip_options",         "ip_fragment",   "ip_not_ours",      "ip_protocol",
    "echo_request",     "echo_reply",         "icmp_ignored",  "udp_received",     "udp_damaged",
    "udp_no_port",      "udp_queue_full",     "udp_sent",      "echo_sent",        "arp_asked",
    "looped_back",      "unreachable",        "arp_waits",     "send_failed",      "frames_refilled",
    "card_transmitted", "card_transmit_full", "card_received", "card_bad_frames",  "card_no_buffer",
    "card_interrupts",  "card_polls",         "card_resets",   "card_missed",
};
static_assert(!net_event_names.back().empty(), "every event has a name");

/// What the netinfo call fills. A caller that passes fewer bytes gets the beginning, so fields are only appended.
struct NetInfo {
  std::uint64_t has_card;  ///< 0 or 1
  char card[16];  ///< its driver's name
  std::uint8_t mac[8];  ///< six bytes, then two of zero
  std::uint32_t address;  ///< IPv4, host byte order
  std::uint32_t gateway;
  std::uint32_t prefix_length;
  std::uint32_t open_ports;  ///< ports and flows that are open now
  std::uint64_t counters[net_event_count];

  constexpr std::uint64_t operator[](NetEvent event) const { return counters[static_cast<std::size_t>(event)]; }
};

}  // namespace abi
