// SPDX-License-Identifier: MIT
// echo WORD...: the words, a space between them, a newline behind.
#include "user/libc/user.hpp"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    write(1, argv[i], static_cast<int>(strlen(argv[i])));
    if (i + 1 < argc) write(1, " ", 1);
  }
  write(1, "\n", 1);
  return 0;
}
