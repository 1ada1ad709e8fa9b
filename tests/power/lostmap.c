// SPDX-License-Identifier: MIT
// Stores to a mapped file whose disk fails before they are written: munmap says so and undoes nothing; what nobody can
// be told any more, at exit, the console tells.
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"
#include "kernel/stat.h"
#include "user/user.h"

int
main(void)
{
  char line[8];
  char *page;
  int fd;

  fd = open("kept", O_CREATE | O_RDWR);
  if(fd < 0 || write(fd, "old", 3) != 3 || sync() != 0){
    printf("lostmap: cannot make the file\n");
    exit(1);
  }
  page = mmap(0, PGSIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if(page == (char*)0xffffffffffffffffL){
    printf("lostmap: cannot map it\n");
    exit(1);
  }
  memmove(page, "new", 3);
  printf("mapped\n");
  read(0, line, sizeof line);

  printf("munmap %d\n", munmap(page, PGSIZE));
  printf("bytes %c%c%c\n", page[0], page[1], page[2]);
  page[0] = 'N';
  printf("again %d, %c%c%c\n", munmap(page, PGSIZE), page[0], page[1], page[2]);
  printf("sync %d\n", sync());
  exit(0);
}
