// SPDX-License-Identifier: MIT
// Ports and datagrams between programs of this machine, over its own address: what needs no card. (tests/net has the
// wire.)
#include "abi/network.hpp"
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using abi::Call;
using abi::NetEvent;
using testing::status_of;

constexpr std::uint32_t self = 127u << 24 | 1;
constexpr std::uint16_t port = 4000;
constexpr int queue_limit = 16;

abi::NetInfo info;

std::uint64_t counted(NetEvent event) {
  EXPECT_EQ(netinfo(&info, sizeof info), 0);
  return info[event];
}

std::uint32_t from;
std::uint16_t from_port;

void send_number(std::uint16_t to, int number) { EXPECT_EQ(send(1, self, to, &number, sizeof number), 0); }

// The next datagram that waits, -1 if none does.
int next_number(std::uint16_t at) {
  int number = 0;
  const int n = recvfor(at, &from, &from_port, &number, sizeof number, 0);
  if (n < 0) return -1;
  EXPECT_EQ(n, sizeof number);
  return number;
}

void datagrams_arrive() {
  EXPECT_EQ(bind(port), 0);
  for (const int bytes : {0, 1, 63, 64, 1471, 1472}) {
    memset(buffer, bytes, static_cast<std::size_t>(bytes));
    EXPECT_EQ(send(7, self, port, buffer, static_cast<std::uint32_t>(bytes)), 0);
    memset(buffer, 0x55, 1500);
    EXPECT_EQ(recv(port, &from, &from_port, buffer, 1500), bytes);
    EXPECT_EQ(from, self);
    EXPECT_EQ(from_port, 7);
    for (int i = 0; i < bytes; ++i) EXPECT_EQ(buffer[i], static_cast<char>(bytes));
    EXPECT_EQ(buffer[bytes], 0x55);
  }
}

void sixteen_wait_in_order() {
  constexpr std::uint16_t other = 4001;
  EXPECT_EQ(bind(port), 0);
  EXPECT_EQ(bind(other), 0);
  const std::uint64_t full = counted(NetEvent::udp_queue_full);
  for (int i = 0; i < 100; ++i) send_number(port, i);
  send_number(other, 7);
  EXPECT_EQ(next_number(other), 7);
  for (int i = 0; i < queue_limit; ++i) EXPECT_EQ(next_number(port), i);
  EXPECT_EQ(next_number(port), -1);
  EXPECT_EQ(counted(NetEvent::udp_queue_full), full + 100 - queue_limit);
}

void unbinding_frees_what_waits() {
  EXPECT_EQ(unbind(port), -1);
  EXPECT_EQ(bind(port), 0);
  EXPECT_EQ(bind(port), -1);
  for (int i = 0; i < queue_limit; ++i) send_number(port, i);
  const std::uint64_t frames = freeframes();
  EXPECT_EQ(unbind(port), 0);
  EXPECT(freeframes() > frames);
  EXPECT_EQ(recv(port, &from, &from_port, buffer, 1), -1);
  EXPECT_EQ(bind(port), 0);
  EXPECT_EQ(next_number(port), -1);
}

// A port ends with the last process that could use it: who bound it, or a child that it had afterwards.
void ports_end_with_their_processes() {
  EXPECT_EQ(status_of([] {
              EXPECT_EQ(bind(port), 0);
              const int child = start([] {
                int number = 0;
                EXPECT_EQ(recv(port, &from, &from_port, &number, sizeof number), sizeof number);
                EXPECT_EQ(number, 9);
              });
              EXPECT(child > 0);
            }),
            0);
  EXPECT_EQ(bind(port), -1);  // the grandchild has it still
  send_number(port, 9);
  for (int tries = 0; bind(port) < 0; ++tries) {
    EXPECT(tries < 50);
    sleep(1);
  }
}

void receivers_can_be_killed() {
  EXPECT_EQ(bind(port), 0);
  const int waiter = start([] { recv(port, &from, &from_port, buffer, 1); });
  sleep(1);
  kill_and_wait(waiter);
  EXPECT_EQ(status_of([] {
              const int inner = start([] { EXPECT_EQ(recv(port, &from, &from_port, buffer, 1), -1); });
              sleep(1);
              EXPECT_EQ(unbind(port), 0);
              int status = 1;
              EXPECT_EQ(wait(&status), inner);
              EXPECT_EQ(status, 0);
            }),
            0);
}

void waiting_has_an_end() {
  EXPECT_EQ(bind(port), 0);
  const int begin = uptime();
  EXPECT_EQ(recvfor(port, &from, &from_port, buffer, 1, 3), -1);
  const int ticks = uptime() - begin;
  EXPECT(ticks >= 2 && ticks < 20);
}

void network_arguments() {
  void* const nowhere = reinterpret_cast<void*>(1ull << 40);
  EXPECT_EQ(bind(port), 0);
  EXPECT_EQ(send(1, self, port, nowhere, 4), -1);
  EXPECT_EQ(send(1, self, port, buffer, 1473), -1);
  EXPECT_EQ(send(1, self, port, buffer, ~0u), -1);
  EXPECT_EQ(send(1, 0, port, buffer, 1), -1);
  EXPECT_EQ(send(1, 224u << 24 | 1, port, buffer, 1), -1);
  EXPECT_EQ(send(1, self, port, nowhere, 0), 0);
  EXPECT_EQ(recv(port, &from, &from_port, nowhere, 0), 0);
  const struct {
    void *address, *source_port, *data;
  } bad[] = {{nowhere, &from_port, buffer}, {&from, nowhere, buffer}, {&from, &from_port, nowhere}};
  for (const auto& where : bad) {
    send_number(port, 1);
    EXPECT_EQ(recv(port, static_cast<std::uint32_t*>(where.address), static_cast<std::uint16_t*>(where.source_port),
                   where.data, 4),
              -1);
    EXPECT_EQ(next_number(port), -1);  // it is gone
  }
  EXPECT_EQ(recv(port, &from, &from_port, buffer, ~0u), -1);
  EXPECT_EQ(ping(self, 1, -1, 1), -1);
  EXPECT_EQ(ping(self, 1, 1473, 1), -1);
  EXPECT_EQ(netinfo(static_cast<abi::NetInfo*>(nowhere), sizeof info), -1);
  EXPECT_EQ(netinfo(&info, ~std::size_t{0}), 0);
}

void ping_ourselves() {
  for (const int bytes : {0, 1, 56, 1472}) EXPECT(ping(self, 1, bytes, 10) >= 0);
}

void ports_run_out() {
  int bound = 0;
  while (bound < 2000 && bind(static_cast<std::uint16_t>(5000 + bound)) == 0) ++bound;
  EXPECT(bound >= 64 && bound < 2000);
  for (int i = 0; i < bound; ++i) send_number(static_cast<std::uint16_t>(5000 + i), i);
  for (int i = 0; i < bound; ++i) EXPECT_EQ(next_number(static_cast<std::uint16_t>(5000 + i)), i);
  EXPECT_EQ(unbind(5000), 0);
  EXPECT_EQ(bind(4999), 0);
}

// Several senders, several receivers, and ports that come and go: every datagram that is read is whole.
void network_of_many() {
  constexpr int rounds = 300;
  testing::run_children(6, [](int me) {
    testing::Random random(static_cast<std::uint64_t>(me));
    for (int i = 0; i < rounds; ++i) {
      const auto at = static_cast<std::uint16_t>(4000 + random.below(4));
      std::uint32_t words[40];
      switch (random.below(4)) {
        case 0: bind(at); break;
        case 1: unbind(at); break;
        case 2: {
          const std::uint32_t count = 1 + random.below(40);
          for (std::uint32_t k = 0; k < count; ++k) words[k] = count;
          EXPECT_EQ(send(at, self, at, words, count * 4), 0);
          break;
        }
        default: {
          const int n = recvfor(at, &from, &from_port, words, sizeof words, static_cast<int>(random.below(2)));
          for (int k = 0; k < n / 4; ++k) EXPECT_EQ(words[k], static_cast<std::uint32_t>(n / 4));
        }
      }
    }
  });
}

// A datagram that no memory is left for is refused, and nothing is lost by it.
void sending_without_memory() {
  EXPECT_EQ(bind(port), 0);
  EXPECT_EQ(status_of([] {
              failnth(1);
              EXPECT_EQ(send(1, self, port, buffer, 10), -1);
              failnth(0);
              EXPECT_EQ(send(1, self, port, buffer, 10), 0);
            }),
            0);
  EXPECT_EQ(recv(port, &from, &from_port, buffer, 10), 10);
}

}  // namespace

std::span<const testing::Test> network_tests() {
  static constexpr testing::Test tests[] = {
      {"datagrams_arrive", datagrams_arrive},
      {"sixteen_wait_in_order", sixteen_wait_in_order},
      {"unbinding_frees_what_waits", unbinding_frees_what_waits},
      {"ports_end_with_their_processes", ports_end_with_their_processes},
      {"receivers_can_be_killed", receivers_can_be_killed},
      {"waiting_has_an_end", waiting_has_an_end},
      {"network_arguments", network_arguments},
      {"ping_ourselves", ping_ourselves},
      {"ports_run_out", ports_run_out},
      {"network_of_many", network_of_many},
      {"sending_without_memory", sending_without_memory},
  };
  return tests;
}

}  // namespace systest
