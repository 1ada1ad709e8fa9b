// SPDX-License-Identifier: MIT
// A program of 2020 to 2024: sbrk with one argument, which gives address space for more memory than there is; sleep;
// and a function of its own by a name that later years gave to a call.
#include "kernel/param.h"
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/riscv.h"
#include "user/user.h"

#define REGION (1024L * 1024 * 1024)

static int
pause(char *reason, int ticks)
{
  printf("pausing: %s\n", reason);
  return sleep(ticks) + ticks;
}

static void
fail(char *what)
{
  printf("year2020: %s FAILED\n", what);
  exit(1);
}

int
main(int argc, char *argv[])
{
  char *begin, *p;
  int before;

  begin = sbrk(REGION);
  if(begin == (char*)0xffffffffffffffffL)
    fail("lazy gibibyte");
  for(p = begin + 5*PGSIZE; p < begin + REGION; p += 256*PGSIZE)
    *(char **)p = p;
  for(p = begin + 5*PGSIZE; p < begin + REGION; p += 256*PGSIZE)
    if(*(char **)p != p)
      fail("contents");
  if(sbrk(-REGION) != begin + REGION || sbrk(0) != begin)
    fail("shrink");

  before = uptime();
  if(pause("own function", 2) != 2 || uptime() < before + 2)
    fail("sleep");
  // GCC's -O keeps a loop that does nothing, and programs wait by it.
  for(int i = 0; i < 1000000; i++)
    ;
  printf("year2020: OK\n");
  exit(0);
}
