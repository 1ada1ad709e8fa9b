// SPDX-License-Identifier: MIT
// What we send: datagrams and echo requests, on their way to the card or to ourselves.
#include <algorithm>
#include <cstring>

#include "net/checksum.hpp"
#include "net/stack.hpp"

namespace net {

using abi::NetEvent;
using dev::Packet;
using lib::Error;
using lib::fail;
using lib::Result;

Result<Packet> Stack::make_packet(usize payload_bytes) {
  if (payload_bytes > max_payload) return fail(Error::too_big);
  Packet packet = LIB_TRY(Packet::make());
  packet->length = static_cast<u32>(payload_at + payload_bytes);
  packet->payload_at = payload_at;
  packet->payload_length = static_cast<u16>(payload_bytes);
  return packet;
}

void Stack::write_ip_header(const Packet& packet, u8 protocol, Ipv4Address destination) {
  auto& ip = header_at<Ipv4Header>(packet, ip_at);
  ip = {.version_and_length = Ipv4Header::version_4_length_20,
        .service = 0,
        .total_length = static_cast<u16>(packet->length - ip_at),
        .identification = static_cast<u16>(last_identification_.fetch_add(1, std::memory_order_relaxed)),
        .fragment = Ipv4Header::dont_fragment,
        .time_to_live = 64,
        .protocol = protocol,
        .checksum = 0,
        .source = destination.is_loopback() ? destination.value : configuration_.address.value,
        .destination = destination.value};
  ip.checksum = std::byteswap(checksum_of({packet->data + ip_at, sizeof(Ipv4Header)}));
  header_at<EthernetHeader>(packet, 0).type = static_cast<u16>(EtherType::ipv4);
}

Result<void> Stack::check_destination(Ipv4Address destination) const {
  if (destination == Ipv4Address{} || destination.is_multicast()) return fail(Error::invalid_argument);
  if (!configuration_.is_own(destination) && device_ == nullptr) return fail(Error::not_supported);
  return {};
}

Result<void> Stack::send(const Flow& flow, Packet packet) {
  LIB_TRY(check_destination(flow.destination));
  const auto length = static_cast<u16>(sizeof(UdpHeader) + packet->payload_length);
  auto& udp = header_at<UdpHeader>(packet, transport_at);
  udp = {.source = static_cast<u16>(flow.source_port),
         .destination = static_cast<u16>(flow.destination_port),
         .length = length,
         .checksum = 0};
  write_ip_header(packet, Ipv4Header::udp, flow.destination);
  const Ipv4Address source{header_at<Ipv4Header>(packet, ip_at).source};
  Checksum sum = pseudo_header(source, flow.destination, Ipv4Header::udp, length);
  sum.add({packet->data + transport_at, usize{length}});
  const u16 stored = sum.stored();
  udp.checksum = stored == 0 ? u16{0xffff} : std::byteswap(stored);  // 0 would mean: none
  count(NetEvent::udp_sent);
  return route(flow.destination, std::move(packet));
}

Result<usize> Stack::ping(Ipv4Address host, u16 sequence, Packet packet, u64 deadline) {
  LIB_TRY(check_destination(host));
  const u16 identifier = static_cast<u16>(last_identification_.fetch_add(1, std::memory_order_relaxed));
  const EndpointKey key{.protocol = Protocol::echo, .peer = Peer::one, .number = identifier, .remote = host};
  Endpoint* const endpoint = LIB_TRY(endpoints_.open(key));
  auto& echo = header_at<IcmpEcho>(packet, transport_at);
  echo = {.type = IcmpEcho::request_type, .code = 0, .checksum = 0, .identifier = identifier, .sequence = sequence};
  echo.checksum = std::byteswap(checksum_of({packet->data + transport_at, packet->length - transport_at}));
  write_ip_header(packet, Ipv4Header::icmp, host);
  count(NetEvent::echo_sent);
  Result<usize> result = fail(Error::timed_out);
  if (const auto sent = route(host, std::move(packet)); !sent) {
    result = fail(sent.error());
  } else {
    const auto answer = endpoints_.receive(*endpoint, deadline);
    if (!answer) {
      result = fail(answer.error());
    } else if ((*answer)->source_port == sequence) {
      result = usize{(*answer)->payload_length};
    }
  }
  endpoints_.close(*endpoint);
  return result;
}

/// What is to be done with the packet, once there is room for it if it has to wait.
Result<ArpCache::Resolution> Stack::resolve(Ipv4Address next, Packet& packet) {
  const locks::Guard guard(arp_lock_);
  for (;;) {
    const ArpCache::Resolution resolution = arp_.resolve(next, packet, now());
    if (resolution.next != ArpCache::Next::full) return resolution;
    count(NetEvent::arp_waits);
    if (arp_settled_.wait(arp_lock_, sched::Interruptible::yes) == sched::Woken::killed) {
      return fail(Error::interrupted);
    }
  }
}

/// To ourselves at once; to a host on the segment, or to the gateway for all others, when its address is known.
Result<void> Stack::route(Ipv4Address destination, Packet packet) {
  if (configuration_.is_own(destination)) {
    count(NetEvent::looped_back);
    receive_ip(std::move(packet), Origin::ourselves);
    return {};
  }
  if (configuration_.is_broadcast(destination)) {
    return send_to(dev::broadcast_mac, std::move(packet), dev::WhenFull::sleep);
  }
  const Ipv4Address next = configuration_.is_on_segment(destination) ? destination : configuration_.gateway;
  const ArpCache::Resolution resolution = LIB_TRY(resolve(next, packet));
  switch (resolution.next) {
    case ArpCache::Next::send: return send_to(resolution.mac, std::move(packet), dev::WhenFull::sleep);
    case ArpCache::Next::ask: break;
    default: return {};
  }
  ask_for(next);
  work_at(now() + ArpCache::ask_again);
  return {};
}

Result<void> Stack::send_to(dev::MacAddress mac, Packet packet, dev::WhenFull when_full) {
  auto& header = header_at<EthernetHeader>(packet, 0);
  header.destination = mac;
  header.source = device_->address();
  if (packet->length < min_frame) {
    std::memset(packet->data + packet->length, 0, min_frame - packet->length);
    packet->length = min_frame;
  }
  const Result<void> sent = device_->transmit(std::move(packet), when_full);
  if (!sent) count(NetEvent::send_failed);
  return sent;
}

}  // namespace net
