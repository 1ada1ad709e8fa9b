// SPDX-License-Identifier: MIT
// trace MASK COMMAND [WORD...]: runs a command and has the kernel print each of its system calls whose number's
// bit is set in the mask.
#include "user/libc/user.hpp"

int main(int argc, char** argv) {
  if (argc < 3 || argv[1][0] < '0' || argv[1][0] > '9') {
    fprintf(2, "usage: trace mask command [word...]\n");
    return 1;
  }
  if (trace(atoi(argv[1])) < 0) {
    fprintf(2, "trace: trace failed\n");
    return 1;
  }
  exec(argv[2], argv + 2);
  fprintf(2, "trace: exec %s failed: %s\n", argv[2], exec_error());
  return 1;
}
