// SPDX-License-Identifier: MIT
// Several threads on one stack (to be run under TSan too): a wire that delivers, programs that bind, read, send, unbind
// and end, and the keeper. Nobody hangs, what is read is whole, and in the end every frame is back.
#include "net/kit.hpp"

namespace net_test {
namespace {

using net::Holder;

class Threads : public Network {
 protected:
  std::atomic<bool> stop{false};

  /// The keeper's thread, whose clock runs.
  void keep() {
    while (!stop) {
      clock_now += 10;
      stack->work();
      std::this_thread::yield();
    }
  }
};

TEST_F(Threads, WaitersGetEveryDatagramOnce) {
  bind(5);
  std::atomic<u64> sum{0}, count{0};
  std::vector<std::thread> readers;
  for (unsigned i = 0; i < 4; ++i) {
    readers.push_back(on_hart(2 + i, [&] {
      while (const auto packet = stack->endpoints().receive(Port{5})) {
        sum += std::stoul(text_of(*packet));
        ++count;
      }
    }));
  }
  constexpr u64 datagrams = 2000;
  std::thread keeper = on_hart(1, [&] { keep(); });
  for (u64 i = 1; i <= datagrams; ++i) {
    while (i - count > 12) std::this_thread::yield();  // never more than the queue takes
    card.arrive(udp_frame(1, 5, std::to_string(i)));
  }
  while (count < datagrams) std::this_thread::yield();
  ASSERT_TRUE(stack->endpoints().unbind(Port{5}));  // ends the readers
  for (auto& reader : readers) reader.join();
  stop = true;
  keeper.join();
  EXPECT_EQ(sum, datagrams * (datagrams + 1) / 2);
}

TEST_F(Threads, DeadlinesWakeUnderTraffic) {
  bind(5);
  std::thread keeper = on_hart(1, [&] { keep(); });
  std::atomic<int> timed_out{0};
  std::vector<std::thread> readers;
  for (u32 i = 0; i < 4; ++i) {
    readers.push_back(on_hart(2 + i, [&, i] {
      for (int round = 0; round < 200; ++round) {
        const auto packet = stack->endpoints().receive(Port{5}, clock_now + i * 15);
        if (!packet && packet.error() == lib::Error::timed_out) ++timed_out;
      }
    }));
  }
  for (auto& reader : readers) reader.join();
  stop = true;
  keeper.join();
  EXPECT_EQ(timed_out, 800);
}

TEST_F(Threads, EverythingAtOnce) {
  std::thread keeper = on_hart(1, [&] { keep(); });
  std::thread wire = on_hart(2, [&] {
    for (u32 i = 0; !stop; ++i) {
      card.arrive(udp_frame(static_cast<u16>(i % 3), static_cast<u16>(i % 8), "some text"));
      if (i % 5 == 0) card.arrive(echo_frame(8, 1, 1, "x"));
      if (i % 7 == 0) card.arrive(arp_frame(1, gateway, gateway_mac, ours));
      if (i % 11 == 0) card.arrive(arp_frame(2, neighbour, neighbour_mac, ours, our_mac));
      if (i % 100 == 0) (void)card.take_sent();
    }
  });
  std::vector<std::thread> programs;
  for (u32 me = 0; me < 3; ++me) {
    programs.push_back(on_hart(3 + me, [&, me] {
      auto& endpoints = stack->endpoints();
      for (u32 round = 0; round < 300; ++round) {
        const auto port = static_cast<u16>((me + round) % 8);
        (void)endpoints.bind(Port{port}, Holder{me});
        endpoints.share(Holder{me}, Holder{me + 10});
        (void)send(port, round % 2 != 0 ? neighbour : Ipv4Address::of(127, 0, 0, 1), port, "some text");
        if (const auto packet = endpoints.receive(Port{port}, clock_now + 30)) ASSERT_EQ(text_of(*packet), "some text");
        (void)stack->ping(Ipv4Address::of(127, 0, 0, 1), 1, std::move(*net::Stack::make_packet(8)), clock_now);
        if (round % 3 == 0) (void)endpoints.unbind(Port{port});
        endpoints.leave(Holder{me});
        endpoints.leave(Holder{me + 10});
      }
    }));
  }
  for (auto& program : programs) program.join();
  stop = true;
  keeper.join();
  wire.join();
  EXPECT_EQ(stack->endpoints().open_count(), 0u);
}

}  // namespace
}  // namespace net_test
