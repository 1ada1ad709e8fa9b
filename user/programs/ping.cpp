// SPDX-License-Identifier: MIT
// ping HOST [COUNT]: sends ICMP echo requests, one each second, and says how long each answer took. Status 0 if any
// came.
#include "user/libc/network.hpp"

int main(int argc, char** argv) {
  constexpr int payload = 56, patience = 10;
  std::uint32_t address;
  if (argc != 2 && argc != 3) {
    fprintf(2, "usage: ping host [count]\n");
    return 1;
  }
  if (!resolve("ping", argv[1], &address)) return 1;
  const int count = argc == 3 ? atoi(argv[2]) : 4;
  int received = 0;
  for (int i = 1; i <= count; ++i) {
    const std::int64_t microseconds = ping(address, static_cast<std::uint16_t>(i), payload, patience);
    if (microseconds < 0) {
      printf("no answer to %d\n", i);
      continue;
    }
    ++received;
    printf("%d bytes from ", payload + 8);
    print_address(address);
    printf(": seq=%d time=%ld us\n", i, static_cast<long>(microseconds));
    if (i < count) sleep(patience);
  }
  printf("%d sent, %d received\n", count, received);
  return received > 0 ? 0 : 1;
}
