// SPDX-License-Identifier: MIT
// Frames in, frames out: what arrives where, what is refused and counted, and that no frame is lost on any way.
#include "net/kit.hpp"

namespace net_test {
namespace {

using Udp = Network;
using Echo = Network;
using Loopback = Network;

TEST_F(Udp, ADatagramArrivesWithItsSender) {
  bind(2000);
  card.arrive(udp_frame(25099, 2000, "hello"));
  const auto packet = stack->endpoints().receive(Port{2000}, 0);
  ASSERT_TRUE(packet);
  EXPECT_EQ(text_of(*packet), "hello");
  EXPECT_EQ((*packet)->source_address, gateway.value);
  EXPECT_EQ((*packet)->source_port, 25099);
  EXPECT_EQ(counted(NetEvent::udp_received), 1u);
}

TEST_F(Udp, ADatagramLeavesAsItShould) {
  meet_gateway();
  ASSERT_TRUE(send(2003, gateway, 25099, "txone"));
  const auto sent = card.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  Bytes frame = sent[0];
  ASSERT_EQ(frame.size(), 60u) << "padded to Ethernet's smallest";
  EXPECT_EQ(get16(frame, 12), 0x0800u);
  EXPECT_EQ(frame[14], 0x45);
  EXPECT_EQ(get16(frame, 16), 20u + 8 + 5);
  EXPECT_EQ(frame[22], 64) << "time to live";
  EXPECT_EQ(frame[23], 17);
  EXPECT_EQ(plain_sum(frame, 14, 34), 0xffffu);
  EXPECT_EQ(get32(frame, 26), ours.value);
  EXPECT_EQ(get32(frame, 30), gateway.value);
  EXPECT_EQ(get16(frame, 34), 2003u);
  EXPECT_EQ(get16(frame, 36), 25099u);
  EXPECT_EQ(get16(frame, 38), 13u);
  Bytes resealed = frame;
  seal_udp(resealed);
  EXPECT_EQ(frame, resealed) << "the checksum";
  EXPECT_EQ(std::string(frame.begin() + 42, frame.begin() + 47), "txone");
  EXPECT_TRUE(std::all_of(frame.begin() + 47, frame.end(), [](auto byte) { return byte == 0; })) << "nothing leaks";
}

TEST_F(Udp, EverySizeUpToTheLargest) {
  meet_gateway();
  bind(7);
  for (usize size = 0; size <= net::max_payload; size += size < 100 ? 1 : 97) {
    const std::string text(size, 'x');
    ASSERT_TRUE(send(7, gateway, 7, text));
    Bytes frame = card.take_sent().at(0);
    ASSERT_LE(frame.size(), 1514u);
    Bytes resealed = frame;
    seal_udp(resealed);
    ASSERT_EQ(frame, resealed);
    card.arrive(udp_frame(7, 7, text));
    ASSERT_EQ(receive(7), text);
  }
  EXPECT_EQ(net::max_payload, 1472u);
  const auto too_long = net::Stack::make_packet(net::max_payload + 1);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error(), lib::Error::too_big);
}

// Nearly all sums are met once; among them the one that would read as none.
TEST_F(Udp, AChecksumOfZeroIsSentAsOnes) {
  meet_gateway();
  bool met = false;
  for (u32 value = 0; value < 0x10000 && !met; ++value) {
    const char text[2] = {static_cast<char>(value >> 8), static_cast<char>(value)};
    ASSERT_TRUE(send(1, gateway, 2, {text, 2}));
    const Bytes frame = card.take_sent().at(0);
    ASSERT_NE(get16(frame, 40), 0u);
    met = get16(frame, 40) == 0xffff;
    if (met) {
      bind(2);
      Bytes reply = udp_frame(1, 2, {text, 2}, {.from = ours, .to = gateway});
      EXPECT_EQ(get16(reply, 40), 0xffffu);
    }
  }
  EXPECT_TRUE(met);
}

TEST_F(Udp, NoChecksumIsAllowedAWrongOneIsNot) {
  bind(2000);
  Bytes frame = udp_frame(1, 2000, "unsummed");
  put16(frame, 40, 0);
  card.arrive(frame);
  EXPECT_EQ(receive(2000), "unsummed");
  for (usize at = 34; at < 50; ++at) {
    if (at == 38 || at == 39 || at == 36 || at == 37) continue;
    Bytes bad = udp_frame(1, 2000, "damaged!");
    bad[at] ^= 1;
    card.arrive(bad);
    EXPECT_EQ(receive(2000), "<timed out>");
  }
  EXPECT_EQ(counted(NetEvent::udp_damaged), 12u);
}

TEST_F(Udp, LengthsThatLie) {
  bind(2000);
  const auto refused = [&](Bytes frame, NetEvent reason) {
    const u64 before = counted(reason);
    card.arrive(frame);
    EXPECT_EQ(counted(reason), before + 1);
    EXPECT_EQ(receive(2000), "<timed out>");
  };
  for (u32 length : {0u, 1u, 7u, 8u + 6, 0xffffu, 1480u, 1481u}) {
    Bytes frame = udp_frame(1, 2000, "hello");
    put16(frame, 38, length);
    put16(frame, 40, 0);
    refused(frame, NetEvent::udp_damaged);
  }
  for (u32 length : {0u, 19u, 20u + 8 + 6, 1500u, 0xffffu}) {
    Bytes frame = udp_frame(1, 2000, "hello");
    put16(frame, 16, length);
    seal_ip(frame);
    refused(frame, NetEvent::ip_damaged);
  }
  for (u32 length : {20u, 21u, 27u}) {  // an IP packet that is whole, with less than a UDP header in it
    Bytes frame = udp_frame(1, 2000, "hello");
    put16(frame, 16, length);
    seal_ip(frame);
    refused(frame, NetEvent::udp_damaged);
  }
  const Bytes whole = udp_frame(1, 2000, "hello");
  for (usize cut = 0; cut < whole.size(); ++cut) {
    card.arrive(Bytes(whole.begin(), whole.begin() + static_cast<long>(cut)));
    ASSERT_EQ(receive(2000), "<timed out>");
  }
}

TEST_F(Udp, PaddingIsNotPayload) {
  bind(2000);
  Bytes frame = udp_frame(1, 2000, "hi");
  frame.resize(60, 0xee);
  card.arrive(frame);
  EXPECT_EQ(receive(2000), "hi");
  Bytes shorter = udp_frame(1, 2000, "hello");  // a datagram that ends before its IP packet does
  put16(shorter, 38, 8 + 2);
  put16(shorter, 40, 0);
  card.arrive(shorter);
  EXPECT_EQ(receive(2000), "he");
}

TEST_F(Udp, WhatIsNotForUs) {
  bind(2000);
  const auto counts = [&](NetEvent reason, const Bytes& frame) {
    const u64 before = counted(reason);
    card.arrive(frame);
    EXPECT_EQ(counted(reason), before + 1);
    EXPECT_EQ(receive(2000), "<timed out>");
  };
  counts(NetEvent::ip_not_ours, udp_frame(1, 2000, "x", {.to = neighbour}));
  counts(NetEvent::ip_not_ours, udp_frame(1, 2000, "x", {.to = Ipv4Address::of(127, 0, 0, 1)}));
  counts(NetEvent::ip_not_ours, udp_frame(1, 2000, "x", {.to = Ipv4Address::of(224, 0, 0, 1)}));
  counts(NetEvent::ip_not_ours, udp_frame(1, 2000, "x", {.from = ours}));
  counts(NetEvent::ip_not_ours, udp_frame(1, 2000, "x", {.from = Ipv4Address::of(127, 0, 0, 1)}));
  counts(NetEvent::ip_not_ours, udp_frame(1, 2000, "x", {.from = Ipv4Address::of(10, 0, 2, 255)}));
  counts(NetEvent::ip_not_ours, udp_frame(1, 2000, "x", {.from = Ipv4Address::of(239, 1, 1, 1)}));
  counts(NetEvent::ip_not_ours, udp_frame(1, 2000, "x", {.from = Ipv4Address{0}}));
  counts(NetEvent::ethernet_ignored, udp_frame(1, 2000, "x", {.to_mac = neighbour_mac}));
  Bytes other_type = udp_frame(1, 2000, "x");
  put16(other_type, 12, 0x86dd);
  counts(NetEvent::ethernet_ignored, other_type);
  counts(NetEvent::ip_protocol, ip_frame(6, Bytes(20, 0)));
  Bytes fragment = udp_frame(1, 2000, "x");
  put16(fragment, 20, 0x2000);
  seal_ip(fragment);
  counts(NetEvent::ip_fragment, fragment);
  put16(fragment, 20, 0x0001);
  seal_ip(fragment);
  counts(NetEvent::ip_fragment, fragment);
  Bytes options = udp_frame(1, 2000, "x");
  options[14] = 0x46;
  counts(NetEvent::ip_options, options);
  options[14] = 0x44;
  counts(NetEvent::ip_damaged, options);
  options[14] = 0x65;
  counts(NetEvent::ip_damaged, options);
  Bytes wrong_sum = udp_frame(1, 2000, "x");
  wrong_sum[24] ^= 1;
  counts(NetEvent::ip_damaged, wrong_sum);
}

TEST_F(Udp, BroadcastsArriveAndLeave) {
  bind(2000);
  card.arrive(udp_frame(1, 2000, "all", {.to = net::limited_broadcast, .to_mac = dev::broadcast_mac}));
  EXPECT_EQ(receive(2000), "all");
  card.arrive(udp_frame(1, 2000, "net", {.to = Ipv4Address::of(10, 0, 2, 255), .to_mac = dev::broadcast_mac}));
  EXPECT_EQ(receive(2000), "net");
  ASSERT_TRUE(send(1, net::limited_broadcast, 2, "all"));
  const auto sent = card.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0][0], 0xff);
}

TEST_F(Udp, AddressesThatNobodyHas) {
  for (Ipv4Address bad : {Ipv4Address{0}, Ipv4Address::of(224, 0, 0, 1), Ipv4Address::of(255, 255, 255, 254)}) {
    const auto sent = send(1, bad, 2, "x");
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error(), lib::Error::invalid_argument);
  }
}

TEST_F(Udp, AQueueTakesSixteenAndStarvesNobody) {
  bind(2008);
  bind(2009);
  for (int i = 0; i < 257; ++i) card.arrive(udp_frame(1, 2008, std::to_string(i)));
  card.arrive(udp_frame(1, 2009, "still here"));
  EXPECT_EQ(receive(2009), "still here");
  for (int i = 0; i < 16; ++i) EXPECT_EQ(receive(2008), std::to_string(i));
  EXPECT_EQ(receive(2008), "<timed out>");
  EXPECT_EQ(counted(NetEvent::udp_queue_full), 241u);
  EXPECT_EQ(card.no_buffer, 0u);
}

// Full queues hold frames; then what arrives is dropped, until a thread has filled the pool again.
TEST_F(Udp, AnEmptyPoolDropsAndIsRefilled) {
  for (u16 port = 0; port < 4; ++port) bind(port);
  for (int i = 0; i < 40; ++i) card.arrive(udp_frame(1, static_cast<u16>(i % 4), "x"));
  EXPECT_EQ(card.no_buffer, 40 - pool_frames);
  EXPECT_EQ(stack->next_work(), 0u) << "the thread was called";
  const u64 refilled = dev::packet_pool().refilled();
  stack->work();
  EXPECT_EQ(dev::packet_pool().refilled(), refilled + pool_frames);
  card.arrive(udp_frame(1, 3, "x"));
  EXPECT_EQ(card.no_buffer, 40 - pool_frames);
}

// Full queues hold more frames than the pool ever had, and two interrupts have emptied it. The thread fills it before
// it takes up more: none is lost of what still waits in the ring, nor what comes behind for a port that was silent.
TEST_F(Udp, ManyFullPortsStarveNobody) {
  constexpr u16 ports = 12, silent = ports;
  for (u16 port = 0; port <= silent; ++port) bind(port);
  for (u16 port = 0; port < ports; ++port) {
    for (int i = 0; i < 16; ++i) {
      const Bytes frame = udp_frame(1, port, std::to_string(i));
      port < 2 ? card.arrive(frame) : card.wait_in_ring(frame);
    }
  }
  card.wait_in_ring(udp_frame(1, silent, "still here"));
  stack->work_is_waiting();
  while (stack->work() == 0) {
  }
  EXPECT_EQ(card.no_buffer, 0u);
  EXPECT_EQ(receive(silent), "still here");
  for (u16 port = 0; port < ports; ++port) {
    for (int i = 0; i < 16; ++i) EXPECT_EQ(receive(port), std::to_string(i));
  }
}

TEST_F(Udp, ReceivingAllocatesNothing) {
  bind(2000);
  const u64 before = mm::total(abi::VmEvent::frame_allocated);
  for (int i = 0; i < 1000; ++i) {
    card.arrive(udp_frame(1, 2000, "ping"));
    ASSERT_EQ(receive(2000), "ping");
    card.arrive(udp_frame(1, 9, "nobody"));
    card.arrive(echo_frame(8, 1, 2, "echo"));
    card.arrive(arp_frame(1, gateway, gateway_mac, ours));
  }
  EXPECT_EQ(mm::total(abi::VmEvent::frame_allocated), before);
}

TEST_F(Echo, IsAnswered) {
  card.arrive(echo_frame(8, 0x1234, 7, "abcdefgh", {.from = far_away}));
  const auto sent = card.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  Bytes expected =
      echo_frame(0, 0x1234, 7, "abcdefgh", {.from = ours, .to = far_away, .from_mac = our_mac, .to_mac = gateway_mac});
  expected.resize(60, 0);
  Bytes answer = sent[0];
  put16(answer, 18, 0);  // identification
  put16(answer, 20, 0);  // don't fragment
  seal_ip(answer);
  EXPECT_EQ(answer, expected);
  EXPECT_EQ(plain_sum(sent[0], 14, 34), 0xffffu);
}

TEST_F(Echo, DamagedOrBroadcastIsNot) {
  Bytes bad = echo_frame(8, 1, 1, "x");
  bad[42] ^= 1;
  card.arrive(bad);
  card.arrive(echo_frame(8, 1, 1, "x", {.to = net::limited_broadcast, .to_mac = dev::broadcast_mac}));
  card.arrive(echo_frame(13, 1, 1, "x"));
  card.arrive(echo_frame(0, 1, 1, "nobody asked"));
  card.arrive(ip_frame(1, Bytes(7, 0)));
  EXPECT_TRUE(card.take_sent().empty());
  EXPECT_EQ(counted(NetEvent::icmp_ignored), 5u);
}

TEST_F(Echo, OfTheLargestFrame) {
  card.arrive(echo_frame(8, 1, 1, std::string(1472, 'z')));
  const auto sent = card.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].size(), 1514u);
}

TEST_F(Echo, APingThatNobodyAnswersEnds) {
  meet_gateway();
  auto packet = net::Stack::make_packet(56);
  ASSERT_TRUE(packet);
  const auto answer = stack->ping(gateway, 1, std::move(*packet), clock_now);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), lib::Error::timed_out);
  EXPECT_EQ(card.take_sent().size(), 1u);
  EXPECT_EQ(stack->info().open_ports, 0u);
}

TEST_F(Loopback, NeedsNoCard) {
  net::Stack alone(read_clock);
  ASSERT_TRUE(alone.endpoints().bind(Port{5}, net::Holder{1}));
  for (Ipv4Address self : {Ipv4Address::of(127, 0, 0, 1), ours}) {
    auto packet = net::Stack::make_packet(2);
    std::memcpy(packet->payload().data(), "me", 2);
    ASSERT_TRUE(alone.send({Port{6}, self, Port{5}}, std::move(*packet)));
    const auto received = alone.endpoints().receive(Port{5}, 0);
    ASSERT_TRUE(received);
    EXPECT_EQ(text_of(*received), "me");
    EXPECT_EQ((*received)->source_address, self.value);
    EXPECT_EQ(*alone.ping(self, 3, std::move(*net::Stack::make_packet(100)), clock_now), 100u);
  }
  const auto away = alone.send({Port{6}, gateway, Port{5}}, std::move(*net::Stack::make_packet(1)));
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error(), lib::Error::not_supported);
}

// Every bit of a frame of each kind, turned: nothing is harmed, and no frame is lost.
TEST_F(Udp, EveryBitOfEveryFrameTurned) {
  bind(2000);
  const std::vector<Bytes> kinds{udp_frame(1, 2000, "payload"), echo_frame(8, 1, 1, "payload"),
                                 arp_frame(1, gateway, gateway_mac, ours), arp_frame(2, gateway, gateway_mac, ours)};
  for (const Bytes& good : kinds) {
    for (usize bit = 0; bit < good.size() * 8; ++bit) {
      Bytes bad = good;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      card.arrive(bad);
      (void)receive(2000);
    }
  }
  EXPECT_EQ(card.no_buffer, 0u);
}

std::vector<net::EtherType> noticed;

TEST_F(Udp, TheFirstPacketsAreNoticedOnce) {
  noticed.clear();
  stack->set_first_packet_notice([](net::EtherType type) { noticed.push_back(type); });
  for (int i = 0; i < 3; ++i) {
    card.arrive(udp_frame(1, 2, "x"));
    card.arrive(arp_frame(1, gateway, gateway_mac, ours));
  }
  EXPECT_EQ(noticed, (std::vector{net::EtherType::ipv4, net::EtherType::arp}));
}

TEST_F(Udp, TheKeeperPollsAndTends) {
  stack->work();
  EXPECT_EQ(card.polls, 0u);
  EXPECT_EQ(card.tended, 1u);
  stack->work_is_waiting();
  EXPECT_EQ(stack->next_work(), 0u);
  EXPECT_EQ(stack->work(), clock_now + 1000) << "a look at the card each second";
  EXPECT_EQ(card.polls, 1u);
}

TEST_F(Udp, InfoTellsAll) {
  bind(2000);
  card.arrive(udp_frame(1, 2000, "x"));
  const abi::NetInfo info = stack->info();
  EXPECT_EQ(info.has_card, 1u);
  EXPECT_STREQ(info.card, "fake");
  EXPECT_EQ(info.mac[0], 0x52);
  EXPECT_EQ(info.address, ours.value);
  EXPECT_EQ(info.open_ports, 1u);
  EXPECT_EQ(info[NetEvent::udp_received], 1u);
}

}  // namespace
}  // namespace net_test
