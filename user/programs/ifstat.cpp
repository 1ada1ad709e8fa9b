// SPDX-License-Identifier: MIT
// ifstat: the network card, its addresses, and what was counted since boot. ifstat -a: the counters at zero too.
#include "abi/network.hpp"
#include "user/libc/network.hpp"

namespace {

abi::NetInfo info;

}  // namespace

int main(int argc, char** argv) {
  const bool all = argc == 2 && strcmp(argv[1], "-a") == 0;
  if (argc > (all ? 2 : 1)) {
    fprintf(2, "usage: ifstat [-a]\n");
    return 1;
  }
  if (netinfo(&info, sizeof info) < 0) {
    fprintf(2, "ifstat: failed\n");
    return 1;
  }
  if (info.has_card == 0) {
    printf("no network card; loopback only\n");
  } else {
    printf("%s %02x:%02x:%02x:%02x:%02x:%02x\n", info.card, info.mac[0], info.mac[1], info.mac[2], info.mac[3],
           info.mac[4], info.mac[5]);
  }
  printf("address ");
  print_address(info.address);
  printf("/%u gateway ", info.prefix_length);
  print_address(info.gateway);
  printf(", %u ports open\n", info.open_ports);
  for (std::size_t i = 0; i < abi::net_event_count; ++i) {
    // The names are literals: a NUL ends them.
    const char* name = abi::net_event_names[i].data();  // NOLINT(bugprone-suspicious-stringview-data-usage)
    if (all || info.counters[i] != 0) printf("%-24s %lu\n", name, static_cast<unsigned long>(info.counters[i]));
  }
  return 0;
}
