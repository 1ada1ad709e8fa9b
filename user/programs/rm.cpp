// SPDX-License-Identifier: MIT
// rm PATH...: removes names of files, links, devices and empty directories, as xv6's rm does.
#include "user/libc/user.hpp"

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(2, "usage: rm path...\n");
    return 1;
  }
  int status = 0;
  for (int i = 1; i < argc; ++i) {
    if (unlink(argv[i]) < 0) {
      fprintf(2, "rm: cannot remove %s\n", argv[i]);
      status = 1;
    }
  }
  return status;
}
