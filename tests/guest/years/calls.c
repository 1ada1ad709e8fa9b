// SPDX-License-Identifier: MIT
// Rows of docs/xv6-contract.md that are about which call has which number, and what the labs' calls do.
#include "rows.h"

#ifdef HAVE_sync
int sync(void);
static int synced(void) {
  EXPECT(sync() == 0);
  EXPECT(mkdir("synced") == 0);
  EXPECT(sync() == 0);
  return 0;
}
#endif

#ifdef HAVE_trace
int trace(int);
static int traced(void) {
  EXPECT(trace(1 << 11) == 0);
  EXPECT(getpid() > 1);  // the console shows it
  return 0;
}
#endif

#ifdef HAVE_sysinfo
int sysinfo(void *);
static int informed(void) {
  uint64 info[2] = {0, 0};
  EXPECT(sysinfo(info) == 0);
  EXPECT(info[0] > 1000 * page);
  EXPECT(info[1] == 2);
  EXPECT(sysinfo((void *)0xeaeb0b5b00002f5e) == -1);
  return 0;
}
#endif

#ifdef HAVE_interpose
int interpose(int, const char *);
enum { fork_bit = 1 << 1, getpid_bit = 1 << 11, open_bit = 1 << 15, create = 0x200, write_only = 1 };

static int interposed_block(void) {
  EXPECT(interpose(getpid_bit | fork_bit, "-") == 0);
  EXPECT(getpid() == -1);
  EXPECT(fork() == -1);
  return 0;
}

static int interposed_escape(void) {
  EXPECT(interpose(open_bit, "-") == 0);
  interpose(0, 0);
  EXPECT(open("README", 0) == -1);
  interpose(0, "README");
  EXPECT(open("README", 0) == -1);
  return 0;
}

static int child_opens(void) {
  EXPECT(open("README", 0) >= 0);
  EXPECT(open("other", 0) == -1);
  return 0;
}

static int interposed_forkpath(void) {
  EXPECT(open("other", create | write_only) >= 0);
  EXPECT(interpose(open_bit, "README") == 0);
  return in_child(child_opens);
}

static int interposed_minus(void) {
  EXPECT(open("---", create | write_only) >= 0);
  EXPECT(interpose(open_bit, "---") == 0);
  EXPECT(open("---", 0) >= 0);
  EXPECT(open("README", 0) == -1);
  return 0;
}
#endif

#ifdef HAVE_sigalarm
int sigalarm(int, void (*)(void));
int sigreturn(void);
static volatile int rings;
static void ring(void) {
  rings++;
  sigreturn();
}
static int alarmed(void) {
  EXPECT(sigalarm(1, ring) == 0);
  for (int until = uptime() + 50; rings == 0 && uptime() < until;) {
  }
  EXPECT(sigalarm(0, 0) == 0);
  EXPECT(rings > 0);
  return 0;
}
#endif

#ifdef HAVE_symlink
int symlink(const char *, const char *);
static int linked(void) {
  char first = 0;
  EXPECT(symlink("README", "alias") == 0);
  int fd = open("alias", 0);
  EXPECT(fd >= 0);
  EXPECT(read(fd, &first, 1) == 1 && first == '#');
  EXPECT(open("alias", 0x800) >= 0);
  return 0;
}
#endif

#ifdef HAVE_mmap
void *mmap(void *, uint64, int, int, int, uint64);
int munmap(void *, uint64);
static int mapped(void) {
  int fd = open("README", 0);
  EXPECT(fd >= 0);
  char *text = mmap(0, page, 1, 2, fd, 0);
  EXPECT(text != (char *)-1);
  EXPECT(text[0] == '#');
  EXPECT(munmap(text, page) == 0);
  return 0;
}
#endif

#ifdef HAVE_cpupin
int cpupin(int);
static int pinned(void) {
  EXPECT(cpupin(0) == 0);
  EXPECT(cpupin(99) == -1);
  EXPECT(cpupin(-1) == -1);
  return 0;
}
#endif

#ifdef HAVE_rwlktest
int rwlktest(int);
enum { harts = 4 };
static int next_hart;
static int join(void) {
  if (cpupin(next_hart) != 0) return __LINE__;
  return rwlktest(0) == 0 ? 0 : __LINE__;
}

// Four callers, each pinned to a hart of its own, then one alone that asks for a reset.
static int read_write_lock(void) {
  for (next_hart = 0; next_hart < harts; next_hart++) {
    if (fork() == 0) exit(join());
  }
  for (int i = 0; i < harts; i++) {
    int status = -1;
    EXPECT(wait(&status) > 0);
    EXPECT(status == 0);
  }
  int before = uptime();
  EXPECT(rwlktest(1) == 0);
  EXPECT(uptime() - before < 20);
  return 0;
}
#endif

static long call_number(long number) {
  register long a0 asm("a0") = 0;
  register long a7 asm("a7") = number;
  asm volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
  return a0;
}

// The console tells it once.
static int unknown(void) {
  EXPECT(call_number(70) == -1);
  EXPECT(call_number(70) == -1);
  EXPECT(call_number(1000000) == -1);
  return 0;
}

static int kill_nobody(void) {
  EXPECT(kill(0) == -1 || kill(0) == 0);
  int pid = fork();
  if (pid == 0) exit(7);
  int status = 0;
  EXPECT(wait(&status) == pid && status == 7);
  return 0;
}

#ifdef BACKTRACE
// The kernel prints three addresses when it pauses.
static int backtraced(void) {
  static char *arguments[] = {"bttest", 0};
  int status = 0;
  int pid = fork();
  if (pid == 0) {
    exec("bttest", arguments);
    exit(__LINE__);
  }
  EXPECT(wait(&status) == pid && status == 0);
  return 0;
}
#endif

const struct row call_rows[] = {
#ifdef HAVE_sync
    {"sync", synced},
#endif
#ifdef HAVE_trace
    {"trace", traced},
#endif
#ifdef HAVE_sysinfo
    {"sysinfo", informed},
#endif
#ifdef HAVE_interpose
    {"interpose_block", interposed_block},
    {"interpose_escape", interposed_escape},
    {"interpose_forkpath", interposed_forkpath},
    {"interpose_minus", interposed_minus},
#endif
#ifdef HAVE_sigalarm
    {"sigalarm", alarmed},
#endif
#ifdef HAVE_symlink
    {"symlink", linked},
#endif
#ifdef HAVE_mmap
    {"mmap", mapped},
#endif
#ifdef HAVE_cpupin
    {"cpupin", pinned},
#endif
#ifdef HAVE_rwlktest
    {"rwlktest", read_write_lock},
#endif
#ifdef BACKTRACE
    {"backtrace", backtraced},
#endif
    {"unknown", unknown},
    {"killzero", kill_nobody},
    {0, 0},
};
