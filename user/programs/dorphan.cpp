// SPDX-License-Identifier: MIT
// dorphan: stays in a directory that has no name any more, and waits. A machine that is killed now leaves an orphan
// inode, which the next boot takes back (xv6's crash tests).
#include "user/libc/user.hpp"

int main(int, char**) {
  abi::Stat status{};
  if (mkdir("orphan-dir") < 0 || chdir("orphan-dir") < 0 || stat(".", &status) < 0 || unlink("../orphan-dir") < 0) {
    fprintf(2, "dorphan: cannot make an orphan\n");
    exit(1);
  }
  printf("wait for the machine to be killed; the orphan is inode %d\n", static_cast<int>(status.inode));
  for (;;) sleep(1000);
}
