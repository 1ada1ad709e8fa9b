// SPDX-License-Identifier: MIT
// Fuzzes the network stack with frames from the wire. The input: a byte of choices, then frames, each behind two bytes
// of length. The choices say which sums are made right before a frame arrives, so that the bytes behind them are met
// too. Ports, a flow and a ping wait for what gets through. After each input every frame of RAM must be back, whatever
// arrived, and what was read must lie inside its frame (ASan watches the frame's memory as a whole; here the ends of
// the payload). Run by tests/fuzz/run; begins with the captures in tests/fuzz/net.
#include "net/kit.hpp"

namespace {

using namespace net_test;

constexpr std::uint8_t seal_header = 1, seal_datagram = 2, seal_message = 4, to_our_card = 8, ask_first = 16;

void demand(bool holds) {
  if (!holds) std::abort();
}

struct World {
  World() {
    ensure_memory();
    demand(dev::packet_pool().start(32).has_value());
    stack = std::make_unique<net::Stack>(read_clock);
    stack->attach(card);
    for (const u16 port : {u16{53}, u16{2000}, u16{2001}}) {
      demand(stack->endpoints().bind(Port{port}, net::Holder{1}).has_value());
    }
    flow = *stack->endpoints().open({.peer = net::Peer::one, .number = 2000, .remote = gateway, .remote_port = 25099});
    free_frames = mm::frames().free_count();
  }
  FakeCard card;
  std::unique_ptr<net::Stack> stack;
  net::Endpoint* flow = nullptr;
  u64 free_frames = 0;
};

void seal_icmp(Bytes& frame) {
  const usize end = std::min<usize>(frame.size(), 14 + get16(frame, 16));
  if (end < 38) return;
  put16(frame, 36, 0);
  put16(frame, 36, ~plain_sum(frame, 34, end) & 0xffff);
}

void prepare(Bytes& frame, std::uint8_t choices) {
  if (frame.size() >= 14 && (choices & to_our_card) != 0) {
    std::copy_n(our_mac.bytes.begin(), 6, frame.begin());
  }
  if (frame.size() < 42 || get16(frame, 12) != 0x0800) return;
  if ((choices & seal_header) != 0) seal_ip(frame);
  const bool fits = 34 + get16(frame, 38) <= frame.size();
  if ((choices & seal_datagram) != 0 && frame[23] == 17 && fits) seal_udp(frame);
  if ((choices & seal_message) != 0 && frame[23] == 1) seal_icmp(frame);
}

void drain(World& world) {
  auto& endpoints = world.stack->endpoints();
  const auto check = [](const dev::Packet& packet) {
    demand(packet->payload_at + packet->payload_length <= packet->length);
    demand(packet->length <= dev::PacketBuffer::room);
  };
  for (const u16 port : {u16{53}, u16{2000}, u16{2001}}) {
    while (const auto packet = endpoints.receive(Port{port}, 0)) check(*packet);
  }
  while (const auto packet = endpoints.receive(*world.flow, 0)) check(*packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  const std::uint8_t choices = data[0];
  if ((choices & ask_first) != 0) {
    auto packet = net::Stack::make_packet(4);
    if (packet) (void)world.stack->send({Port{2000}, neighbour, Port{7}}, std::move(*packet));
  }
  for (std::size_t at = 1; at + 2 <= size;) {
    const std::size_t length = std::min<std::size_t>(data[at] << 8 | data[at + 1], size - at - 2);
    at += 2;
    Bytes frame(data + at, data + at + length);
    frame.resize(std::min<std::size_t>(frame.size(), dev::PacketBuffer::room));
    at += length;
    prepare(frame, choices);
    world.card.arrive(frame);
  }
  drain(world);
  for (u32 i = 0; i <= net::ArpCache::questions; ++i) {
    clock_now += net::ArpCache::ask_again;
    (void)world.stack->work();
  }
  (void)world.card.take_sent();
  demand(mm::frames().free_count() == world.free_frames);
  return 0;
}
