// SPDX-License-Identifier: MIT
// Ports and flows: who may open what, what arrives where, who keeps a port open, and what ends with whom.
#include "net/kit.hpp"

namespace net_test {
namespace {

using net::EndpointKey;
using net::Holder;
using net::Peer;
using Ports = Network;

EndpointKey flow(u16 local, Ipv4Address remote, u16 remote_port) {
  return {.peer = Peer::one, .number = local, .remote = remote, .remote_port = remote_port};
}

template <class T>
lib::Error error_of(const lib::Result<T>& result) {
  return result ? static_cast<lib::Error>(~0U) : result.error();
}

TEST_F(Ports, ABoundPortIsBoundOnce) {
  auto& endpoints = stack->endpoints();
  bind(5);
  EXPECT_EQ(error_of(endpoints.bind(Port{5}, Holder{2})), lib::Error::already_exists);
  ASSERT_TRUE(endpoints.unbind(Port{5}));
  EXPECT_EQ(error_of(endpoints.unbind(Port{5})), lib::Error::not_found);
  EXPECT_EQ(error_of(endpoints.receive(Port{5}, 0)), lib::Error::not_found);
  bind(5);
}

TEST_F(Ports, AllThereAreAndNoMore) {
  auto& endpoints = stack->endpoints();
  for (u16 port = 0; port < net::Endpoints::capacity; ++port) bind(static_cast<u16>(port * 64));
  EXPECT_EQ(error_of(endpoints.bind(Port{1}, Holder{1})), lib::Error::limit_reached);
  EXPECT_EQ(error_of(endpoints.open(flow(1, gateway, 1))), lib::Error::limit_reached);
  card.arrive(udp_frame(1, 127 * 64, "the last"));
  EXPECT_EQ(receive(127 * 64), "the last");
  endpoints.leave(Holder{1});
  EXPECT_EQ(endpoints.open_count(), 0u);
  bind(1);
}

TEST_F(Ports, AFlowTakesItsPeerOnly) {
  auto& endpoints = stack->endpoints();
  const auto one = endpoints.open(flow(2000, gateway, 25099)), two = endpoints.open(flow(2000, neighbour, 25099));
  ASSERT_TRUE(one && two);
  EXPECT_EQ(error_of(endpoints.open(flow(2000, gateway, 25099))), lib::Error::already_exists);
  card.arrive(udp_frame(25099, 2000, "from the gateway"));
  card.arrive(udp_frame(25099, 2000, "from the neighbour", {.from = neighbour}));
  card.arrive(udp_frame(25098, 2000, "another port"));
  card.arrive(udp_frame(25099, 2000, "another host", {.from = far_away}));
  EXPECT_EQ(text_of(*endpoints.receive(**one, 0)), "from the gateway");
  EXPECT_EQ(text_of(*endpoints.receive(**two, 0)), "from the neighbour");
  EXPECT_EQ(error_of(endpoints.receive(**one, 0)), lib::Error::timed_out);
  EXPECT_EQ(counted(NetEvent::udp_no_port), 2u);
  bind(2000);  // what no flow wants
  card.arrive(udp_frame(25098, 2000, "another port"));
  card.arrive(udp_frame(25099, 2000, "the flow's"));
  EXPECT_EQ(receive(2000), "another port");
  EXPECT_EQ(text_of(*endpoints.receive(**one, 0)), "the flow's");
  endpoints.close(**one);
  endpoints.close(**two);
}

TEST_F(Ports, PortsThatShareABucketStayApart) {
  bind(1);
  bind(65);
  bind(129);
  card.arrive(udp_frame(1, 65, "second"));
  card.arrive(udp_frame(1, 129, "third"));
  card.arrive(udp_frame(1, 193, "nobody"));
  EXPECT_EQ(receive(1), "<timed out>");
  EXPECT_EQ(receive(65), "second");
  EXPECT_EQ(receive(129), "third");
  ASSERT_TRUE(stack->endpoints().unbind(Port{65}));
  card.arrive(udp_frame(1, 1, "first"));
  EXPECT_EQ(receive(1), "first");
}

TEST_F(Ports, UnbindingFreesWhatWaits) {
  bind(5);
  for (int i = 0; i < 16; ++i) card.arrive(udp_frame(1, 5, "x"));
  ASSERT_TRUE(stack->endpoints().unbind(Port{5}));
  bind(5);
  EXPECT_EQ(receive(5), "<timed out>");
}

// bind, fork, exit: a port ends with the last that could use it.
TEST_F(Ports, EndWithTheirLastHolder) {
  auto& endpoints = stack->endpoints();
  bind(5, 1);
  endpoints.share(Holder{1}, Holder{2});
  bind(6, 1);  // after the fork
  endpoints.share(Holder{2}, Holder{63});
  endpoints.leave(Holder{1});
  EXPECT_EQ(endpoints.open_count(), 1u);
  endpoints.leave(Holder{2});
  card.arrive(udp_frame(1, 5, "still here"));
  EXPECT_EQ(receive(5), "still here");
  endpoints.leave(Holder{63});
  EXPECT_EQ(endpoints.open_count(), 0u);
  endpoints.leave(Holder{63});
  bind(5, 7);
  ASSERT_TRUE(endpoints.unbind(Port{5}));
  bind(5, 8);
  endpoints.leave(Holder{7});  // has no part in the new one
  EXPECT_EQ(endpoints.open_count(), 1u);
}

TEST_F(Ports, ADeadlineEndsTheWait) {
  bind(5);
  EXPECT_EQ(error_of(stack->endpoints().receive(Port{5}, clock_now)), lib::Error::timed_out);
  card.arrive(udp_frame(1, 5, "there already"));
  EXPECT_EQ(text_of(*stack->endpoints().receive(Port{5}, 0)), "there already");
}

}  // namespace
}  // namespace net_test
