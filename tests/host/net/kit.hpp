// SPDX-License-Identifier: MIT
#pragma once
// What the network's tests share: RAM, a clock that stands, a card made of two lists, and frames made by hand (with
// sums of their own, so that the stack's arithmetic is not its own judge).

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "arch/port.hpp"
#include "mm/counters.hpp"
#include "mm/frames.hpp"
#include "net/stack.hpp"

namespace net_test {

using Bytes = std::vector<std::uint8_t>;
using abi::NetEvent;
using net::Ipv4Address;
using net::Port;

inline constexpr Ipv4Address ours = Ipv4Address::of(10, 0, 2, 15), gateway = Ipv4Address::of(10, 0, 2, 2),
                             neighbour = Ipv4Address::of(10, 0, 2, 77), far_away = Ipv4Address::of(8, 8, 8, 8);
inline constexpr dev::MacAddress our_mac{{0x52, 0x54, 0, 0x12, 0x34, 0x56}}, gateway_mac{{0x52, 0x55, 10, 0, 2, 2}},
    neighbour_mac{{2, 0, 0, 0, 0, 77}};

/// RAM for the packets, set up by the first call.
inline void ensure_memory() {
  static const bool done = [] {
    constexpr u64 bytes = u64{16} << 20, base = 0x80000000;
    arch::host::set_memory(std::aligned_alloc(u64{2} << 20, bytes), base, bytes);
    mm::frames().init(*sv39::PhysRange::from(sv39::PhysAddr(base), bytes), {});
    return true;
  }();
  (void)done;
}

/// Milliseconds; stands still until a test moves it.
inline std::atomic<u64> clock_now{1000};
inline u64 read_clock() { return clock_now.load(); }

/// A card that keeps what it is given and hands up what a test puts on the wire, as a driver does.
class FakeCard final : public dev::NetworkDevice {
 public:
  const char* name() const override { return "fake"; }
  dev::MacAddress address() const override { return our_mac; }
  void open(dev::PacketReceiver& receiver) override { receiver_ = &receiver; }
  lib::Result<void> transmit(dev::Packet packet, dev::WhenFull) override {
    const locks::Guard guard(lock_);
    if (is_full) return lib::fail(lib::Error::busy);
    const auto bytes = packet.bytes();
    const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
    sent_.emplace_back(first, first + bytes.size());
    return {};
  }
  More poll() override {
    ++polls;
    for (u32 i = 0; i < most_at_once && !waiting_.empty(); ++i) {
      arrive(waiting_.front());
      waiting_.pop_front();
    }
    return waiting_.empty() ? More::no : More::yes;
  }
  void tend() override { ++tended; }
  dev::CardCounters counters() override { return {.no_buffer = no_buffer}; }

  /// A frame arrives.
  void arrive(const Bytes& frame) {
    dev::Packet packet = dev::packet_pool().take();
    if (!packet) {
      ++no_buffer;
      return;
    }
    ASSERT_LE(frame.size(), dev::PacketBuffer::room);
    if (!frame.empty()) std::memcpy(packet->data, frame.data(), frame.size());
    packet->length = static_cast<u32>(frame.size());
    receiver_->receive(std::move(packet));
  }
  /// Frames wait in the card's ring, as many as they may be, until poll() takes up some of them.
  void wait_in_ring(const Bytes& frame) { waiting_.push_back(frame); }
  /// The frames that were sent since the last call.
  [[nodiscard]] std::vector<Bytes> take_sent() {
    const locks::Guard guard(lock_);
    return std::exchange(sent_, {});
  }

  static constexpr u32 most_at_once = 16;  ///< half of the pool, as with the drivers
  bool is_full = false;
  u32 polls = 0, tended = 0;
  u64 no_buffer = 0;

 private:
  dev::PacketReceiver* receiver_ = nullptr;
  locks::SpinLock lock_{"card", locks::Rank::card_transmit};
  std::vector<Bytes> sent_;
  std::deque<Bytes> waiting_;
};

// --- Frames by hand ---

inline void put16(Bytes& bytes, usize at, u32 value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}
inline void put32(Bytes& bytes, usize at, u32 value) {
  put16(bytes, at, value >> 16);
  put16(bytes, at + 2, value & 0xffff);
}
[[nodiscard]] inline u32 get16(const Bytes& bytes, usize at) { return u32{bytes[at]} << 8 | bytes[at + 1]; }
[[nodiscard]] inline u32 get32(const Bytes& bytes, usize at) { return get16(bytes, at) << 16 | get16(bytes, at + 2); }

/// RFC 1071, word by word.
[[nodiscard]] inline u32 plain_sum(const Bytes& bytes, usize begin, usize end, u32 sum = 0) {
  for (usize i = begin; i < end; i += 2) {
    sum += u32{bytes[i]} << 8 | (i + 1 < end ? bytes[i + 1] : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

struct Way {
  Ipv4Address from = gateway, to = ours;
  dev::MacAddress from_mac = gateway_mac, to_mac = our_mac;
};

inline void seal_ip(Bytes& frame) {
  put16(frame, 24, 0);
  put16(frame, 24, ~plain_sum(frame, 14, 34) & 0xffff);
}

/// An IPv4 packet with these bytes behind its header.
[[nodiscard]] inline Bytes ip_frame(u8 protocol, const Bytes& rest, const Way& way = {}) {
  Bytes frame(34, 0);
  std::copy_n(way.to_mac.bytes.begin(), 6, frame.begin());
  std::copy_n(way.from_mac.bytes.begin(), 6, frame.begin() + 6);
  put16(frame, 12, 0x0800);
  frame[14] = 0x45;
  put16(frame, 16, static_cast<u32>(20 + rest.size()));
  frame[22] = 64;
  frame[23] = protocol;
  put32(frame, 26, way.from.value);
  put32(frame, 30, way.to.value);
  seal_ip(frame);
  frame.insert(frame.end(), rest.begin(), rest.end());
  return frame;
}

inline void seal_udp(Bytes& frame) {
  put16(frame, 40, 0);
  const u32 length = get16(frame, 38);
  u32 sum = plain_sum(frame, 26, 34) + 17 + length;
  sum = plain_sum(frame, 34, 34 + length, (sum & 0xffff) + (sum >> 16));
  put16(frame, 40, (~sum & 0xffff) == 0 ? 0xffff : ~sum & 0xffff);
}

[[nodiscard]] inline Bytes udp_frame(u16 from_port, u16 to_port, std::string_view payload, const Way& way = {}) {
  Bytes rest(8, 0);
  put16(rest, 0, from_port);
  put16(rest, 2, to_port);
  put16(rest, 4, static_cast<u32>(8 + payload.size()));
  rest.insert(rest.end(), payload.begin(), payload.end());
  Bytes frame = ip_frame(17, rest, way);
  seal_udp(frame);
  return frame;
}

[[nodiscard]] inline Bytes echo_frame(u8 type, u16 identifier, u16 sequence, std::string_view payload,
                                      const Way& way = {}) {
  Bytes rest(8, 0);
  rest[0] = type;
  put16(rest, 4, identifier);
  put16(rest, 6, sequence);
  rest.insert(rest.end(), payload.begin(), payload.end());
  put16(rest, 2, ~plain_sum(rest, 0, rest.size()) & 0xffff);
  return ip_frame(1, rest, way);
}

[[nodiscard]] inline Bytes arp_frame(u16 operation, Ipv4Address sender, dev::MacAddress sender_mac, Ipv4Address target,
                                     dev::MacAddress to = dev::broadcast_mac) {
  Bytes frame(60, 0);
  std::copy_n(to.bytes.begin(), 6, frame.begin());
  std::copy_n(sender_mac.bytes.begin(), 6, frame.begin() + 6);
  put16(frame, 12, 0x0806);
  put16(frame, 14, 1);
  put16(frame, 16, 0x0800);
  frame[18] = 6;
  frame[19] = 4;
  put16(frame, 20, operation);
  std::copy_n(sender_mac.bytes.begin(), 6, frame.begin() + 22);
  put32(frame, 28, sender.value);
  put32(frame, 38, target.value);
  return frame;
}

[[nodiscard]] inline std::string text_of(const dev::Packet& packet) {
  const auto payload = packet.payload();
  return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

/// A stack with a card and a pool; at its end every frame must be back.
class Network : public testing::Test {
 protected:
  static constexpr u32 pool_frames = 32;

  Network() {
    ensure_memory();
    stack = std::make_unique<net::Stack>(read_clock);
    if (!dev::packet_pool().start(pool_frames)) std::abort();
    free_before_ = mm::frames().free_count();
    stack->attach(card);
  }
  ~Network() override {
    stack.reset();
    (void)dev::packet_pool().refill();
    EXPECT_EQ(mm::frames().free_count(), free_before_) << "frames lost";
  }

  [[nodiscard]] u64 counted(NetEvent event) const { return stack->counted(event); }
  [[nodiscard]] lib::Result<void> send(u16 from, Ipv4Address to, u16 to_port, std::string_view text) const {
    auto packet = LIB_TRY(net::Stack::make_packet(text.size()));
    std::memcpy(packet.payload().data(), text.data(), text.size());
    return stack->send({Port{from}, to, Port{to_port}}, std::move(packet));
  }
  /// What waits at a port, at once.
  [[nodiscard]] std::string receive(u16 port) const {
    const auto packet = stack->endpoints().receive(Port{port}, 0);
    return packet ? text_of(*packet) : "<" + std::string(lib::describe(packet.error())) + ">";
  }
  void bind(u16 port, u32 holder = 1) const { ASSERT_TRUE(stack->endpoints().bind(Port{port}, net::Holder{holder})); }
  /// A thread that is hart `hart`: each its own (this one is 0), for a hart's counters are for one writer.
  template <typename Work>
  static std::thread on_hart(unsigned hart, Work work) {
    return std::thread([hart, work = std::move(work)] {
      arch::host::set_hart_index(hart);
      work();
    });
  }

  /// Makes the gateway's address known.
  void meet_gateway() {
    ASSERT_TRUE(send(9, gateway, 9, ""));
    card.arrive(arp_frame(2, gateway, gateway_mac, ours, our_mac));
    (void)card.take_sent();
  }

  FakeCard card;
  std::unique_ptr<net::Stack> stack;

 private:
  u64 free_before_ = 0;
};

}  // namespace net_test
