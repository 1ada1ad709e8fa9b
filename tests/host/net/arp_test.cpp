// SPDX-License-Identifier: MIT
// Who is asked, who is answered, what waits meanwhile, and how little a liar can do.
#include "net/kit.hpp"

namespace net_test {
namespace {

using Arp = Network;

TEST_F(Arp, AnswersForOurAddressOnly) {
  card.arrive(arp_frame(1, gateway, gateway_mac, ours));
  const auto sent = card.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  Bytes expected = arp_frame(2, ours, our_mac, gateway, gateway_mac);
  std::copy_n(gateway_mac.bytes.begin(), 6, expected.begin() + 32);
  EXPECT_EQ(sent[0], expected);
  card.arrive(arp_frame(1, gateway, gateway_mac, neighbour));
  EXPECT_TRUE(card.take_sent().empty());
  EXPECT_EQ(counted(NetEvent::arp_request), 1u);
  EXPECT_EQ(counted(NetEvent::arp_ignored), 1u);
}

TEST_F(Arp, AskedOnceWhileAllWait) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(send(5, neighbour, 6, std::string(1, static_cast<char>('a' + i))));
  auto sent = card.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0], arp_frame(1, ours, our_mac, neighbour));
  card.arrive(arp_frame(2, neighbour, neighbour_mac, ours, our_mac));
  sent = card.take_sent();
  ASSERT_EQ(sent.size(), 3u);
  for (usize i = 0; i < 3; ++i) {
    EXPECT_EQ(sent[i][42], 'a' + i) << "in order";
    EXPECT_TRUE(std::equal(neighbour_mac.bytes.begin(), neighbour_mac.bytes.end(), sent[i].begin()));
  }
  ASSERT_TRUE(send(5, neighbour, 6, "d"));
  EXPECT_EQ(card.take_sent().size(), 1u) << "known now";
}

TEST_F(Arp, EverythingElseGoesThroughTheGateway) {
  ASSERT_TRUE(send(5, far_away, 53, "q"));
  auto sent = card.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(get32(sent[0], 38), gateway.value);
  card.arrive(arp_frame(2, gateway, gateway_mac, ours, our_mac));
  sent = card.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(get32(sent[0], 30), far_away.value);
  EXPECT_TRUE(std::equal(gateway_mac.bytes.begin(), gateway_mac.bytes.end(), sent[0].begin()));
}

TEST_F(Arp, GivesUpAHostThatNeverAnswers) {
  ASSERT_TRUE(send(5, neighbour, 6, "x"));
  EXPECT_EQ(card.take_sent().size(), 1u);
  for (u32 question = 2; question <= net::ArpCache::questions; ++question) {
    clock_now += net::ArpCache::ask_again;
    EXPECT_LE(stack->next_work(), clock_now);
    stack->work();
    EXPECT_EQ(card.take_sent().size(), 1u);
  }
  clock_now += net::ArpCache::ask_again;
  stack->work();
  EXPECT_TRUE(card.take_sent().empty());
  EXPECT_EQ(counted(NetEvent::unreachable), 1u);
  ASSERT_TRUE(send(5, neighbour, 6, "y"));
  EXPECT_EQ(card.take_sent().size(), 1u) << "asked again when wanted again";
}

TEST_F(Arp, KeepsABoundedNumberWaiting) {
  net::ArpCache cache;
  const auto resolve = [&](Ipv4Address host) {
    dev::Packet packet = *dev::Packet::make();
    return cache.resolve(host, packet, 0).next;
  };
  using enum net::ArpCache::Next;
  EXPECT_EQ(resolve(neighbour), ask);
  for (u32 i = 1; i < net::ArpCache::waiting_limit; ++i) EXPECT_EQ(resolve(neighbour), wait);
  EXPECT_EQ(resolve(neighbour), full);
  for (u8 host = 1; host < net::ArpCache::entries; ++host) EXPECT_EQ(resolve(Ipv4Address::of(10, 0, 2, host)), ask);
  EXPECT_EQ(resolve(gateway), wait) << "asked for above";
  EXPECT_EQ(resolve(Ipv4Address::of(10, 0, 2, 200)), full) << "more hosts than entries, none of which answers";
}

// Who sends more than may wait sleeps until the host has answered; nothing is lost, and the order is kept.
TEST_F(Arp, SendersWaitForTheAnswer) {
  constexpr u32 datagrams = 40;
  std::thread sender = on_hart(1, [&] {
    for (u32 i = 0; i < datagrams; ++i) ASSERT_TRUE(send(5, neighbour, 6, std::string(1, static_cast<char>(i))));
  });
  while (counted(NetEvent::arp_waits) == 0) std::this_thread::yield();
  (void)card.take_sent();
  card.arrive(arp_frame(2, neighbour, neighbour_mac, ours, our_mac));
  sender.join();
  const auto sent = card.take_sent();
  ASSERT_EQ(sent.size(), datagrams);
}

// And until it was given up, if it never does.
TEST_F(Arp, SendersWaitForTheEndOfTheQuestions) {
  std::thread sender = on_hart(1, [&] {
    for (u32 i = 0; i < net::ArpCache::waiting_limit + 1; ++i) ASSERT_TRUE(send(5, neighbour, 6, "x"));
  });
  while (counted(NetEvent::arp_waits) == 0) std::this_thread::yield();
  for (u32 question = 0; question < net::ArpCache::questions; ++question) {
    clock_now += net::ArpCache::ask_again;
    stack->work();
  }
  sender.join();
  EXPECT_EQ(counted(NetEvent::unreachable), net::ArpCache::waiting_limit);
}

TEST_F(Arp, AKnownHostMakesRoomForAnother) {
  for (u8 host = 1; host <= net::ArpCache::entries + 4; ++host) {
    const auto address = Ipv4Address::of(10, 0, 2, static_cast<u8>(100 + host));
    ASSERT_TRUE(send(5, address, 6, "x"));
    card.arrive(arp_frame(2, address, neighbour_mac, ours, our_mac));
    ++clock_now;
  }
  EXPECT_EQ(counted(NetEvent::arp_waits), 0u);
}

TEST_F(Arp, AnAnswerGetsOld) {
  meet_gateway();
  clock_now += net::ArpCache::lifetime;
  ASSERT_TRUE(send(5, gateway, 6, "x"));
  const auto sent = card.take_sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(get16(sent[0], 12), 0x0806u);
}

TEST_F(Arp, WhatNobodyAskedForIsNotKept) {
  for (u32 host = 1; host < 255; ++host) {
    card.arrive(arp_frame(2, Ipv4Address::of(10, 0, 2, static_cast<u8>(host)), neighbour_mac, ours, our_mac));
  }
  card.arrive(arp_frame(1, neighbour, neighbour_mac, ours));
  (void)card.take_sent();
  ASSERT_TRUE(send(5, neighbour, 6, "x"));
  EXPECT_EQ(get16(card.take_sent().at(0), 12), 0x0806u) << "must be asked for";
}

TEST_F(Arp, DamagedOnesAreIgnored) {
  const Bytes good = arp_frame(1, gateway, gateway_mac, ours);
  for (usize at : {14, 15, 16, 17, 18, 19, 20, 21}) {
    Bytes bad = good;
    bad[at] ^= 0x40;
    card.arrive(bad);
  }
  Bytes from_many = good;
  from_many[22] |= 1;  // nobody's address is a multicast one
  card.arrive(from_many);
  for (usize length = 0; length < 42; ++length)
    card.arrive(Bytes(good.begin(), good.begin() + static_cast<long>(length)));
  card.arrive(arp_frame(1, ours, neighbour_mac, ours));  // someone with our own address
  EXPECT_TRUE(card.take_sent().empty());
}

TEST_F(Arp, AFullCardLosesTheAnswerAndNothingElse) {
  card.is_full = true;
  card.arrive(arp_frame(1, gateway, gateway_mac, ours));
  EXPECT_EQ(counted(NetEvent::send_failed), 1u);
}

}  // namespace
}  // namespace net_test
