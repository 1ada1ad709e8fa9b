// SPDX-License-Identifier: MIT
// stress PROCESSES SECONDS: several kinds of load at once: forks, memory, files, pipes. Ends with 0 when every process
// found what it expected.
#include "user/libc/user.hpp"

namespace {

constexpr int page = static_cast<int>(abi::page_size);
char buffer[8 * 1024];

__attribute__((noreturn)) void fail(const char* what) {
  fprintf(2, "stress: %s\n", what);
  exit(1);
}

void load_fork() {
  const int pid = fork();
  if (pid == 0) {
    if (fork() == 0) exit(0);
    wait(nullptr);
    exit(0);
  }
  if (pid > 0) wait(nullptr);  // a full process table is no fault here
}

void load_memory() {
  constexpr int pages = 700;  // a megapage and some more
  char* p = sbrk(pages * page);
  if (p == reinterpret_cast<char*>(-1)) return;
  for (int i = 0; i < pages; ++i) p[i * page] = static_cast<char>(i);
  const int pid = fork();
  if (pid == 0) {
    for (int i = 0; i < pages; i += 3) p[i * page] = 1;
    exit(0);
  }
  for (int i = 0; i < pages; ++i)
    if (p[i * page] != static_cast<char>(i)) fail("memory is not what was written");
  if (pid > 0) wait(nullptr);
  sbrk(-pages * page);
}

void load_files(int who) {
  char name[16];
  snprintf_to(name, sizeof(name), "stress%d", who);
  int fd = open(name, abi::OpenMode::create | abi::OpenMode::read_write);
  if (fd < 0) fail("cannot create a file");
  memset(buffer, 'a' + who % 26, sizeof(buffer));
  const int written = write(fd, buffer, sizeof(buffer));
  close(fd);
  fd = open(name, abi::OpenMode::read_only);
  if (fd < 0) fail("cannot open a file");
  const int got = read(fd, buffer, sizeof(buffer));
  close(fd);
  if (got < written || (got > 0 && buffer[got - 1] != 'a' + who % 26)) fail("a file is not what was written");
  unlink(name);
}

void load_pipe() {
  int fds[2];
  if (pipe(fds) < 0) return;
  const int pid = fork();
  if (pid == 0) {
    close(fds[0]);
    for (int i = 0; i < 8; ++i) write(fds[1], buffer, 1000);
    exit(0);
  }
  close(fds[1]);
  int total = 0, n;
  while ((n = read(fds[0], buffer, sizeof(buffer))) > 0) total += n;
  close(fds[0]);
  if (pid > 0) {
    wait(nullptr);
    if (total != 8000) fail("a pipe lost bytes");
  }
}

__attribute__((noreturn)) void run(int who, int until) {
  for (int round = who; uptime() < until; ++round) {
    switch (round % 4) {
      case 0: load_fork(); break;
      case 1: load_memory(); break;
      case 2: load_files(who); break;
      default: load_pipe();
    }
  }
  exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const int processes = argc > 1 ? atoi(argv[1]) : 4;
  const int seconds = argc > 2 ? atoi(argv[2]) : 5;
  if (processes < 1 || processes > 20 || seconds < 1) {
    fprintf(2, "usage: stress [processes 1..20] [seconds]\n");
    return 2;
  }
  const int until = uptime() + seconds * static_cast<int>(abi::ticks_per_second);
  int started = 0;
  for (; started < processes; ++started) {
    const int pid = fork();
    if (pid < 0) break;
    if (pid == 0) run(started, until);
  }
  int failed = 0;
  for (int i = 0; i < started; ++i) {
    int status = 0;
    if (wait(&status) < 0 || status != 0) ++failed;
  }
  printf("stress: %d processes, %d failed\n", started, failed);
  return failed == 0 && started > 0 ? 0 : 1;
}
