// SPDX-License-Identifier: MIT
// ln OLD NEW: a second name for a file. ln -s TARGET NEW: a symbolic link.
#include "user/libc/user.hpp"

int main(int argc, char** argv) {
  if (argc == 4 && strcmp(argv[1], "-s") == 0) {
    if (symlink(argv[2], argv[3]) == 0) return 0;
    fprintf(2, "ln: cannot make symbolic link %s to %s\n", argv[3], argv[2]);
    return 1;
  }
  if (argc != 3) {
    fprintf(2, "usage: ln [-s] old new\n");
    return 1;
  }
  if (link(argv[1], argv[2]) == 0) return 0;
  fprintf(2, "ln: cannot link %s to %s\n", argv[2], argv[1]);
  return 1;
}
