// SPDX-License-Identifier: MIT
// forktest: forks until that fails, and sees that it fails in order and that every child comes back.
#include "user/libc/user.hpp"

namespace {

constexpr int more_than_possible = 1000;

int fork_all() {
  int count = 0;
  for (; count < more_than_possible; ++count) {
    const int pid = fork();
    if (pid < 0) break;
    if (pid == 0) exit(0);
  }
  return count;
}

int fail(const char* why) {
  printf("fork test FAILED: %s\n", why);
  return 1;
}

}  // namespace

int main(int, char**) {
  printf("fork test\n");
  const int count = fork_all();
  if (count == more_than_possible) return fail("fork claimed to work 1000 times");
  for (int i = 0; i < count; ++i)
    if (wait(nullptr) < 0) return fail("wait stopped early");
  if (wait(nullptr) != -1) return fail("wait got too many");
  printf("fork test OK\n");
  return 0;
}
