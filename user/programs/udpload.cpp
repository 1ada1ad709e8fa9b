// SPDX-License-Identifier: MIT
// udpload HOST PORT COUNT: sends COUNT numbered datagrams of 64 bytes to a host that sends each one back, eight at a
// time on their way, and demands that all come back in order.
#include "user/libc/network.hpp"

namespace {

constexpr std::uint16_t own = 45000;
constexpr int datagram = 64, window = 8, patience = 100;
std::uint32_t words[datagram / 4];

}  // namespace

int main(int argc, char** argv) {
  std::uint32_t address;
  if (argc != 4) {
    fprintf(2, "usage: udpload host port count\n");
    return 1;
  }
  if (!resolve("udpload", argv[1], &address) || bind(own) < 0) return 1;
  const auto port = static_cast<std::uint16_t>(atoi(argv[2]));
  const auto count = static_cast<std::uint32_t>(atoi(argv[3]));
  std::uint32_t sent = 0, received = 0;
  while (received < count) {
    while (sent < count && sent - received < window) {
      words[0] = sent;
      if (send(own, address, port, words, datagram) < 0) {
        fprintf(2, "udpload: send failed\n");
        return 1;
      }
      ++sent;
    }
    std::uint32_t from;
    std::uint16_t from_port;
    if (recvfor(own, &from, &from_port, words, datagram, patience) != datagram || words[0] != received) break;
    ++received;
  }
  printf("%u sent, %u received\n", sent, received);
  return received == count ? 0 : 1;
}
