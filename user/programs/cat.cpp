// SPDX-License-Identifier: MIT
// cat [FILE...]: the files one after the other, or standard input.
#include "user/libc/user.hpp"

namespace {

char buffer[4096];

bool copy_to_output(int fd) {
  int n;
  while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
    if (write(1, buffer, n) != n) {
      fprintf(2, "cat: write error\n");
      return false;
    }
  }
  if (n < 0) fprintf(2, "cat: read error\n");
  return n == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc <= 1) return copy_to_output(0) ? 0 : 1;
  for (int i = 1; i < argc; ++i) {
    const int fd = open(argv[i], abi::OpenMode::read_only);
    if (fd < 0) {
      fprintf(2, "cat: cannot open %s\n", argv[i]);
      return 1;
    }
    if (!copy_to_output(fd)) return 1;
    close(fd);
  }
  return 0;
}
