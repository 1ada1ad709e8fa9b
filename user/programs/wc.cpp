// SPDX-License-Identifier: MIT
// wc [FILE...]: lines, words and bytes of each file, or of standard input.
#include "user/libc/user.hpp"

namespace {

char buffer[4096];

bool is_space(char c) { return strchr(" \r\t\n\v", c) != nullptr && c != '\0'; }

bool count(int fd, const char* name) {
  unsigned long lines = 0, words = 0, bytes = 0;
  bool in_word = false;
  int n;
  while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
    bytes += static_cast<unsigned long>(n);
    for (int i = 0; i < n; ++i) {
      if (buffer[i] == '\n') ++lines;
      const bool space = is_space(buffer[i]);
      if (!space && !in_word) ++words;
      in_word = !space;
    }
  }
  if (n < 0) {
    fprintf(2, "wc: read error\n");
    return false;
  }
  printf("%lu %lu %lu %s\n", lines, words, bytes, name);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc <= 1) return count(0, "") ? 0 : 1;
  for (int i = 1; i < argc; ++i) {
    const int fd = open(argv[i], abi::OpenMode::read_only);
    if (fd < 0) {
      fprintf(2, "wc: cannot open %s\n", argv[i]);
      return 1;
    }
    if (!count(fd, argv[i])) return 1;
    close(fd);
  }
  return 0;
}
