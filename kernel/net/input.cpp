// SPDX-License-Identifier: MIT
// IPv4 packets that arrive: what is whole and for us goes to its datagram's endpoint.
#include "net/checksum.hpp"
#include "net/stack.hpp"

namespace net {

using abi::NetEvent;
using dev::Packet;

/// Checks the header and that the packet is in the frame; counts what is wrong.
bool Stack::is_whole_ip(const Packet& packet, Origin origin) {
  const auto reject = [this](NetEvent reason) {
    count(reason);
    return false;
  };
  if (packet->length < ip_at + sizeof(Ipv4Header)) return reject(NetEvent::ip_damaged);
  const auto& ip = header_at<Ipv4Header>(packet, ip_at);
  if (ip.version_and_length >> 4 != 4 || (ip.version_and_length & 0xf) < 5) return reject(NetEvent::ip_damaged);
  if (ip.version_and_length != Ipv4Header::version_4_length_20) return reject(NetEvent::ip_options);
  if (ip.total_length < sizeof(Ipv4Header) || ip.total_length > packet->length - ip_at) {
    return reject(NetEvent::ip_damaged);
  }
  if (checksum_of({packet->data + ip_at, sizeof(Ipv4Header)}) != 0) return reject(NetEvent::ip_damaged);
  if ((ip.fragment & Ipv4Header::more_or_offset) != 0) return reject(NetEvent::ip_fragment);
  const Ipv4Address source{ip.source}, destination{ip.destination};
  const bool is_for_us = configuration_.is_own(destination) || configuration_.is_broadcast(destination);
  const bool is_possible = source != Ipv4Address{} && !source.is_multicast() && !configuration_.is_broadcast(source);
  // Nobody else is us, and loopback addresses are on no wire (RFC 1122, 3.2.1.3).
  const bool is_lie = origin == Origin::wire && (configuration_.is_own(source) || destination.is_loopback());
  return is_for_us && is_possible && !is_lie ? true : reject(NetEvent::ip_not_ours);
}

void Stack::receive_ip(Packet packet, Origin origin) {
  if (!is_whole_ip(packet, origin)) return;
  const auto& ip = header_at<Ipv4Header>(packet, ip_at);
  count(NetEvent::ip_received);
  packet->length = static_cast<u32>(ip_at + ip.total_length);  // without Ethernet's padding
  packet->source_address = ip.source;
  switch (ip.protocol) {
    case Ipv4Header::udp: return receive_udp(std::move(packet));
    case Ipv4Header::icmp: return receive_icmp(std::move(packet));
    default: return count(NetEvent::ip_protocol);
  }
}

void Stack::receive_udp(Packet packet) {
  const usize room = packet->length - transport_at;
  const auto& udp = header_at<UdpHeader>(packet, transport_at);
  if (room < sizeof(UdpHeader) || udp.length < sizeof(UdpHeader) || udp.length > room) {
    return count(NetEvent::udp_damaged);
  }
  const auto& ip = header_at<Ipv4Header>(packet, ip_at);
  if (udp.checksum != 0) {
    Checksum sum = pseudo_header({ip.source}, {ip.destination}, Ipv4Header::udp, udp.length);
    sum.add({packet->data + transport_at, usize{udp.length}});
    if (sum.stored() != 0) return count(NetEvent::udp_damaged);
  }
  packet->source_port = udp.source;
  packet->payload_at = payload_at;
  packet->payload_length = static_cast<u16>(udp.length - sizeof(UdpHeader));
  const u16 port = udp.destination;
  const Ipv4Address from{packet->source_address};
  switch (endpoints_.deliver(Protocol::udp, port, from, udp.source, std::move(packet))) {
    case Endpoints::Delivery::queued:
      count(NetEvent::udp_received);
      if (dev::packet_pool().is_low()) work_now();
      return;
    case Endpoints::Delivery::nobody: return count(NetEvent::udp_no_port);
    case Endpoints::Delivery::full: return count(NetEvent::udp_queue_full);
  }
}

void Stack::receive_icmp(Packet packet) {
  const usize length = packet->length - transport_at;
  if (length < sizeof(IcmpEcho) || checksum_of({packet->data + transport_at, length}) != 0) {
    return count(NetEvent::icmp_ignored);
  }
  const auto& echo = header_at<IcmpEcho>(packet, transport_at);
  if (echo.type == IcmpEcho::request_type && echo.code == 0) return answer_echo(std::move(packet));
  if (echo.type != IcmpEcho::reply_type || echo.code != 0) return count(NetEvent::icmp_ignored);
  take_echo_reply(std::move(packet));
}

/// A reply whose length and checksum are right goes to whoever asked.
void Stack::take_echo_reply(Packet packet) {
  const auto& echo = header_at<IcmpEcho>(packet, transport_at);
  packet->source_port = echo.sequence;
  packet->payload_at = payload_at;
  packet->payload_length = static_cast<u16>(packet->length - transport_at - sizeof(IcmpEcho));
  const u16 identifier = echo.identifier;
  const Ipv4Address source{packet->source_address};
  const bool is_wanted =
      endpoints_.deliver(Protocol::echo, identifier, source, 0, std::move(packet)) == Endpoints::Delivery::queued;
  count(is_wanted ? NetEvent::echo_reply : NetEvent::icmp_ignored);
}

/// The request becomes the answer, in its own frame. A broadcast is not answered (RFC 1122, 3.2.2.6).
void Stack::answer_echo(Packet packet) {
  const auto& ip = header_at<Ipv4Header>(packet, ip_at);
  if (!configuration_.is_own({ip.destination})) return count(NetEvent::icmp_ignored);
  count(NetEvent::echo_request);
  auto& echo = header_at<IcmpEcho>(packet, transport_at);
  echo.type = IcmpEcho::reply_type;
  echo.checksum = 0;
  const u16 sum = checksum_of({packet->data + transport_at, packet->length - transport_at});
  echo.checksum = std::byteswap(sum);
  const Ipv4Address asker{ip.source};
  if (configuration_.is_own(asker)) return take_echo_reply(std::move(packet));  // we pinged ourselves
  write_ip_header(packet, Ipv4Header::icmp, asker);
  // To where the frame came from: that host is reachable there, and an interrupt cannot ask for another's address.
  const dev::MacAddress mac = header_at<EthernetHeader>(packet, 0).source;
  (void)send_to(mac, std::move(packet), dev::WhenFull::drop);  // a failure is counted
}

}  // namespace net
