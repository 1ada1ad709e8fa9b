// SPDX-License-Identifier: MIT
// logstress FILE...: one process for each file writes it full, all at once, so that the log is never at rest. A machine
// that is killed meanwhile has a log to recover (xv6's crash tests).
#include "user/libc/user.hpp"

namespace {

constexpr int writes = 250;
char piece[2000];

__attribute__((noreturn)) void fill(const char* name, char letter) {
  const int fd = open(name, abi::OpenMode::create | abi::OpenMode::read_write);
  if (fd < 0) {
    fprintf(2, "logstress: cannot create %s\n", name);
    exit(1);
  }
  memset(piece, letter, sizeof(piece));
  // A file is full before that many; to be stopped by it is no error.
  for (int i = 0; i < writes; ++i) {
    if (write(fd, piece, sizeof(piece)) != static_cast<int>(sizeof(piece))) break;
  }
  exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const int pid = fork();
    if (pid < 0) {
      fprintf(2, "logstress: fork failed\n");
      exit(1);
    }
    if (pid == 0) fill(argv[i], static_cast<char>('0' + i));
  }
  int failures = 0;
  for (int i = 1; i < argc; ++i) {
    int status = 0;
    wait(&status);
    if (status != 0) ++failures;
  }
  exit(failures);
}
