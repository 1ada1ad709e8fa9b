// SPDX-License-Identifier: MIT
// Ends by a fault of the kind that is asked for; its functions have names worth finding in the kernel's report.
#include "kernel/types.h"
#include "kernel/stat.h"
#include "user/user.h"

static volatile int depth;

__attribute__((noinline)) int recurse(int n) {
  volatile char room[40];
  room[0] = n;
  depth++;
  return recurse(n + 1) + room[0];
}

__attribute__((noinline)) void victim(volatile int *p) {
  *p = 1;
  depth++;
}

__attribute__((noinline)) void caller(volatile int *p) {
  victim(p);
  depth++;
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "overflow") == 0) recurse(0);
  if (argc > 1 && strcmp(argv[1], "store") == 0) caller((int *)0x123456000);
  if (argc > 1 && strcmp(argv[1], "flood") == 0) {
    for (int i = 0; i < 60; i++) {
      if (fork() == 0) caller((int *)0x123456000);
      wait(0);
    }
  }
  exit(0);
}
