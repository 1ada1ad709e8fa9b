// SPDX-License-Identifier: MIT
// Two files make one program, one of them assembly, as in the threads lab: two_files.c and by_hand.S.
#include "kernel/types.h"
#include "kernel/stat.h"
#include "user/user.h"

uint64 add_by_hand(uint64 a, uint64 b);

int
main(void)
{
  if(add_by_hand(40, 2) == 42)
    printf("two_files: OK\n");
  exit(0);
}
