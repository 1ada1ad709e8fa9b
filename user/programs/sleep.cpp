// SPDX-License-Identifier: MIT
// sleep TICKS: waits that many tenths of a second.
#include "user/libc/user.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(2, "usage: sleep ticks\n");
    return 1;
  }
  return sleep(atoi(argv[1])) < 0 ? 1 : 0;
}
