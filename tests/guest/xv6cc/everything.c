// SPDX-License-Identifier: MIT
// An xv6 program as students write them: every header, old habits, both ways to end. tools/xv6cc must take it as it is.
#include "kernel/param.h"
#include "kernel/types.h"
#include "kernel/stat.h"
#include "user/user.h"
#include "kernel/fs.h"
#include "kernel/fcntl.h"
#include "kernel/syscall.h"
#include "kernel/memlayout.h"
#include "kernel/riscv.h"
#include "kernel/spinlock.h"
#include "kernel/sleeplock.h"
#include "kernel/file.h"
#include "kernel/elf.h"
#include "kernel/vm.h"
#include "kernel/sysinfo.h"

char buf[512];
static int initialised = 42;

void
check(int good, char *what)
{
  if(!good){
    fprintf(2, "everything: %s FAILED\n", what);
    exit(1);
  }
}

void
files(void)
{
  struct stat st;
  int fd = open("everything.tmp", O_CREATE|O_RDWR);
  check(fd >= 0, "open");
  check(write(fd, "hello", 5) == 5, "write");
  check(fstat(fd, &st) == 0 && st.size == 5 && st.type == T_FILE, "fstat");
  close(fd);
  check(stat(".", &st) == 0 && st.type == T_DIR, "stat");
  check(unlink("everything.tmp") == 0, "unlink");
  struct dirent de;
  fd = open(".", 0);
  check(read(fd, &de, sizeof(de)) == sizeof(de) && strcmp(de.name, ".") == 0, "dirent");
  close(fd);
}

void
memory(void)
{
  char *a = sbrk(0);
  char *b = sbrk(PGSIZE);
  check(a == b && b != SBRK_ERROR, "sbrk");
  check(sys_sbrk(0, SBRK_LAZY) == b + PGSIZE, "sys_sbrk");
  b[0] = 1;
  char *p = malloc(100);
  strcpy(p, "abc");
  check(strlen(p) == 3 && memcmp(p, "abc", 4) == 0 && strchr(p, 'c') == p + 2, "strings");
  memmove(p + 1, p, 4);
  check(strcmp(p, "aabc") == 0, "memmove");
  free(p);
  check((uint64)sbrk(0) < USYSCALL && PGROUNDUP((uint64)a) % PGSIZE == 0, "layout");
  check(ugetpid() == getpid(), "ugetpid");
}

int
main(int argc, char *argv[])
{
  int fds[2], xstatus;
  check(initialised == 42 && buf[511] == 0, "data");
  check(argc == 2 && strcmp(argv[1], "arg") == 0, "arguments");
  files();
  memory();
  pipe(fds);
  int pid = fork();
  if(pid == 0){
    write(fds[1], "x", 1);
    exit(7);
  }
  check(read(fds[0], buf, 1) == 1 && buf[0] == 'x', "pipe");
  check(wait(&xstatus) == pid && xstatus == 7, "wait");
  printf("%d %x %p %s %c %u %l %ld %lx %lu %%\n", -1, 255, buf, "str", 'c', 4000000000U, -5L, -6L, 0x123456789aUL, 7UL);
  printf("everything: OK\n");
  exit(0);
}
