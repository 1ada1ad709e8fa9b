// SPDX-License-Identifier: MIT
// rmdir PATH...: removes empty directories, and nothing else.
#include "user/libc/path.hpp"
#include "user/libc/user.hpp"

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(2, "usage: rmdir path...\n");
    return 1;
  }
  int status = 0;
  for (int i = 1; i < argc; ++i) {
    if (!is_directory(argv[i])) {
      fprintf(2, "rmdir: %s is not a directory\n", argv[i]);
      status = 1;
    } else if (unlink(argv[i]) < 0) {
      fprintf(2, "rmdir: cannot remove %s\n", argv[i]);
      status = 1;
    }
  }
  return status;
}
