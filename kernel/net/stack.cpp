// SPDX-License-Identifier: MIT
// What is common to all: the first look at a frame, ARP, and the work of the keeper's thread.
#include "net/stack.hpp"

#include <algorithm>
#include <string_view>

namespace net {

using abi::NetEvent;
using dev::Packet;

Stack::Stack(Clock clock) : clock_(clock), endpoints_(clock) {}

void Stack::attach(dev::NetworkDevice& device) {
  device_ = &device;
  device.open(*this);
  work_at(now());
}

void Stack::note_first(EtherType type, std::atomic<u32>& seen) {
  if (seen.load(std::memory_order_relaxed) != 0 || seen.exchange(1, std::memory_order_relaxed) != 0) return;
  if (notice_ != nullptr) notice_(type);
}

// One receive ring, so this is never called by two harts at a time but for what we send to ourselves.
void Stack::receive(Packet packet) {
  if (packet->length < sizeof(EthernetHeader)) return count(NetEvent::ethernet_ignored);
  const auto& header = header_at<EthernetHeader>(packet, 0);
  const bool is_for_us = header.destination == device_->address() || header.destination == dev::broadcast_mac;
  switch (is_for_us ? static_cast<EtherType>(u16{header.type}) : EtherType{}) {
    case EtherType::arp: note_first(EtherType::arp, seen_arp_); return receive_arp(std::move(packet));
    case EtherType::ipv4: note_first(EtherType::ipv4, seen_ip_); return receive_ip(std::move(packet), Origin::wire);
    default: return count(NetEvent::ethernet_ignored);
  }
}

void Stack::receive_arp(Packet packet) {
  if (packet->length < ip_at + sizeof(ArpPacket)) return count(NetEvent::arp_ignored);
  const auto& arp = header_at<ArpPacket>(packet, ip_at);
  const Ipv4Address sender = arp.sender_address.get();
  const bool is_sound = arp.hardware == ArpPacket::ethernet && arp.protocol == static_cast<u16>(EtherType::ipv4) &&
                        arp.hardware_length == 6 && arp.protocol_length == 4 && (arp.sender.bytes[0] & 1) == 0;
  // Nobody else has our address, and a sender without one (a probe) has nothing to teach.
  if (!is_sound || arp.target_address.get() != configuration_.address || sender == configuration_.address) {
    return count(NetEvent::arp_ignored);
  }
  dev::PacketQueue ready;
  if (sender != Ipv4Address{} && configuration_.is_on_segment(sender)) {
    const locks::Guard guard(arp_lock_);
    if (arp_.learn(sender, arp.sender, now(), ready)) arp_settled_.wake_all();  // what we never asked for is not kept
  }
  const dev::MacAddress mac = arp.sender;
  if (arp.operation == ArpPacket::request) {
    count(NetEvent::arp_request);
    answer_arp(std::move(packet));
  } else if (arp.operation == ArpPacket::reply) {
    count(NetEvent::arp_reply);
  } else {
    count(NetEvent::arp_ignored);
  }
  while (!ready.empty()) (void)send_to(mac, ready.pop(), dev::WhenFull::drop);  // a failure is counted
}

/// The question becomes the answer.
void Stack::answer_arp(Packet packet) {
  auto& arp = header_at<ArpPacket>(packet, ip_at);
  arp.operation = ArpPacket::reply;
  arp.target = arp.sender;
  arp.target_address = arp.sender_address;
  arp.sender = device_->address();
  arp.sender_address = configuration_.address;
  packet->length = ip_at + sizeof(ArpPacket);
  header_at<EthernetHeader>(packet, 0).type = static_cast<u16>(EtherType::arp);
  (void)send_to(arp.target, std::move(packet), dev::WhenFull::drop);  // a failure is counted
}

/// From a thread: it allocates. Without memory nobody is asked this time.
void Stack::ask_for(Ipv4Address host) {
  auto packet = Packet::make();
  if (!packet) return;
  header_at<EthernetHeader>(*packet, 0).type = static_cast<u16>(EtherType::arp);
  auto& arp = header_at<ArpPacket>(*packet, ip_at);
  arp = {.hardware = ArpPacket::ethernet,
         .protocol = static_cast<u16>(EtherType::ipv4),
         .hardware_length = 6,
         .protocol_length = 4,
         .operation = ArpPacket::request,
         .sender = device_->address(),
         .sender_address = configuration_.address,
         .target = {},
         .target_address = host};
  (*packet)->length = ip_at + sizeof(ArpPacket);
  count(NetEvent::arp_asked);
  (void)send_to(dev::broadcast_mac, std::move(*packet), dev::WhenFull::drop);  // a failure is counted
}

void Stack::work_is_waiting() {
  poll_wanted_.store(1, std::memory_order_relaxed);
  work_now();
}

void Stack::work_now() {
  work_at(0);
  if (wake_ != nullptr) wake_();
}

/// Moves the next time of work() forward to `when`.
void Stack::work_at(u64 when) {
  u64 planned = next_work_.load(std::memory_order_relaxed);
  while (when < planned && !next_work_.compare_exchange_weak(planned, when, std::memory_order_relaxed)) {
  }
}

u64 Stack::work() {
  constexpr u64 look_at_card_every = 1000;
  next_work_.store(no_deadline, std::memory_order_relaxed);  // what comes up meanwhile plans itself
  const u64 time = now();
  if (device_ != nullptr) {
    // First, so that what is polled finds packets to replace it, whatever the queues hold.
    if (dev::packet_pool().is_low()) (void)dev::packet_pool().refill();  // without memory: again next time
    if (poll_wanted_.exchange(0, std::memory_order_relaxed) != 0 && device_->poll() == dev::NetworkDevice::More::yes) {
      work_is_waiting();
    }
    device_->tend();
    work_at(time + look_at_card_every);
  }
  ArpCache::Questions questions;
  dev::PacketQueue lost;
  {
    const locks::Guard guard(arp_lock_);
    arp_.expire(time, questions, lost);
    if (!lost.empty()) arp_settled_.wake_all();
    work_at(arp_.next_deadline());
  }
  count(NetEvent::unreachable, lost.count());
  for (u32 i = 0; i < questions.count; ++i) ask_for(questions.hosts[i]);
  endpoints_.expire(time);
  return next_work();
}

abi::NetInfo Stack::info() {
  abi::NetInfo info{};
  info.address = configuration_.address.value;
  info.gateway = configuration_.gateway.value;
  info.prefix_length = configuration_.prefix_length;
  info.open_ports = endpoints_.open_count();
  for (usize i = 0; i < abi::net_event_count; ++i) info.counters[i] = counters_[i].load(std::memory_order_relaxed);
  const auto set = [&](NetEvent event, u64 value) { info.counters[static_cast<usize>(event)] = value; };
  set(NetEvent::frames_refilled, dev::packet_pool().refilled());
  if (device_ == nullptr) return info;
  info.has_card = 1;
  const std::string_view name = device_->name();
  std::copy_n(name.begin(), std::min(name.size(), sizeof info.card - 1), info.card);
  const dev::MacAddress mac = device_->address();
  std::copy(mac.bytes.begin(), mac.bytes.end(), info.mac);
  const dev::CardCounters card = device_->counters();
  set(NetEvent::card_transmitted, card.transmitted);
  set(NetEvent::card_transmit_full, card.transmit_full);
  set(NetEvent::card_received, card.received);
  set(NetEvent::card_bad_frames, card.bad_frames);
  set(NetEvent::card_no_buffer, card.no_buffer);
  set(NetEvent::card_interrupts, card.interrupts);
  set(NetEvent::card_polls, card.polls);
  set(NetEvent::card_resets, card.resets);
  set(NetEvent::card_missed, card.missed);
  return info;
}

}  // namespace net
