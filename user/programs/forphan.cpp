// SPDX-License-Identifier: MIT
// forphan: keeps a file open that has no name any more, and waits. A machine that is killed now leaves an orphan inode,
// which the next boot takes back (xv6's crash tests).
#include "user/libc/user.hpp"

int main(int, char**) {
  constexpr const char* name = "orphan-file";
  const int fd = open(name, abi::OpenMode::create | abi::OpenMode::read_write);
  abi::Stat stat{};
  if (fd < 0 || fstat(fd, &stat) < 0 || unlink(name) < 0) {
    fprintf(2, "forphan: cannot make an orphan\n");
    exit(1);
  }
  printf("wait for the machine to be killed; the orphan is inode %d\n", static_cast<int>(stat.inode));
  for (;;) sleep(1000);
}
