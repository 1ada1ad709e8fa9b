// SPDX-License-Identifier: MIT
// A program of 2025: pause, eager and lazy sbrk, main that returns; and a function of its own by an older call's name.
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/riscv.h"
#include "kernel/vm.h"
#include "user/user.h"

#define GIBIBYTE (1024 * 1024 * 1024)

register int kept asm("s11");  // survives calls

static char *
sleep(void)
{
  return "own function";
}

static int
fail(char *what)
{
  printf("year2025: %s FAILED\n", what);
  return 1;
}

int
main(int argc, char *argv[])
{
  kept = 6181;
  if(sbrk(GIBIBYTE) != SBRK_ERROR)
    return fail("eager gibibyte");
  char *lazy = sbrklazy(GIBIBYTE);
  if(lazy == SBRK_ERROR)
    return fail("lazy gibibyte");
  lazy[GIBIBYTE - 1] = 'x';
  if(lazy[0] != 0 || lazy[GIBIBYTE - 1] != 'x')
    return fail("contents");
  if(sys_sbrk(-GIBIBYTE, SBRK_EAGER) != lazy + GIBIBYTE)
    return fail("shrink");
  if(pause(1) != 0 || strcmp(sleep(), "own function") != 0)
    return fail("pause");
  if(kept != 6181)
    return fail("register");
  printf("year2025: OK\n");
  return 0;
}
