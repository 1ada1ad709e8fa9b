// SPDX-License-Identifier: MIT
// stats: the text of the statistics device.
#include "user/libc/user.hpp"

namespace {
char text[4096];
}

int main(int, char**) {
  const int n = statistics(text, sizeof(text));
  if (n < 0) {
    fprintf(2, "stats: no statistics device\n");
    return 1;
  }
  for (int done = 0; done < n;) {
    const int written = write(1, text + done, n - done);
    if (written <= 0) return 1;
    done += written;
  }
  return 0;
}
