// SPDX-License-Identifier: MIT
// poweroff [STATUS]: writes everything to the disk and powers the machine off; QEMU exits with the status.
#include "user/libc/user.hpp"

int main(int argc, char** argv) {
  sync();
  shutdown(argc > 1 ? atoi(argv[1]) : 0);
  fprintf(2, "poweroff: this machine cannot power itself off\n");
  return 1;
}
