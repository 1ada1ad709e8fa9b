// SPDX-License-Identifier: MIT
// init: process 1. Sees to a console on descriptors 0, 1 and 2, keeps a shell running on it, and reaps the
// processes that lost their parents.
#include "user/libc/user.hpp"

namespace {

void open_console() {
  if (open("console", abi::OpenMode::read_write) < 0) {
    // The first boot of an image: its devices are made now.
    mknod("console", abi::console_major, 0);
    mknod("statistics", abi::statistics_major, 0);
    open("console", abi::OpenMode::read_write);
  }
  dup(0);  // standard output
  dup(0);  // standard error
}

// The shell's pid, or -1.
int start_shell() {
  printf("init: starting sh\n");
  const int pid = fork();
  if (pid == 0) {
    char name[] = "sh";
    char* arguments[] = {name, nullptr};
    exec("sh", arguments);
    exec("/sh", arguments);
    printf("init: exec sh failed: %s\n", exec_error());
    exit(1);
  }
  if (pid < 0) printf("init: fork failed\n");
  return pid;
}

}  // namespace

int main(int, char**) {
  open_console();
  for (;;) {
    const int shell = start_shell();
    if (shell < 0) {
      sleep(10);
      continue;
    }
    for (;;) {
      int status = 0;
      const int pid = wait(&status);
      if (pid == shell) {
        if (status != 0) sleep(2);  // a shell that cannot start must not fill the console
        break;
      }
      if (pid < 0) sleep(10);  // no child at all cannot be: the shell is one
    }
  }
}
