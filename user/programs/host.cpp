// SPDX-License-Identifier: MIT
// host NAME[@SERVER]: the IPv4 address of a name, from the DNS server (10.0.2.3 unless another is named).
#include "user/libc/network.hpp"

int main(int argc, char** argv) {
  std::uint32_t address;
  if (argc != 2) {
    fprintf(2, "usage: host name[@server]\n");
    return 1;
  }
  if (!resolve("host", argv[1], &address)) return 1;
  if (char* const server = strchr(argv[1], '@'); server != nullptr) *server = '\0';
  printf("%s has address ", argv[1]);
  print_address(address);
  printf("\n");
  return 0;
}
