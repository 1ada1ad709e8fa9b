// SPDX-License-Identifier: MIT
// siege [SECONDS]: a fork bomb that also kills the shell. For some seconds every process slot is taken, and
// whatever becomes free is taken at once. When it is over, init must have started a new shell.
#include "user/libc/user.hpp"

namespace {

constexpr int shell = 2;
constexpr int ticks_per_second = 10;

// Children, and children of theirs, until the time is up.
void multiply(int end) {
  while (uptime() < end) fork();
}

}  // namespace

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? atoi(argv[1]) : 5;
  const int end = uptime() + seconds * ticks_per_second;
  if (fork() == 0) {
    multiply(end);
    return 0;
  }
  sleep(ticks_per_second);
  kill(shell);
  multiply(end);
  return 0;
}
