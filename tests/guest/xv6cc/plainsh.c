// SPDX-License-Identifier: MIT
// A shell as xv6's is to the kernel: it reads lines, forks, waits, and knows no call of Bifolium's own. `&` behind the
// last word: the job's parent ends at once, so that init gets it.
#include "kernel/types.h"
#include "kernel/stat.h"
#include "user/user.h"

static char line[100];
static char *words[10];

static int split(char *text) {
  int count = 0;
  while (*text && count < 9) {
    while (*text == ' ' || *text == '\n') *text++ = 0;
    if (*text) words[count++] = text;
    while (*text && *text != ' ' && *text != '\n') text++;
  }
  words[count] = 0;
  return count;
}

static void run(int count) {
  if (words[count - 1][0] == '&') {
    words[count - 1] = 0;
    if (fork() != 0) exit(0);
  }
  exec(words[0], words);
  fprintf(2, "exec %s failed\n", words[0]);
  exit(1);
}

int main(void) {
  for (;;) {
    write(2, "$ ", 2);
    memset(line, 0, sizeof(line));
    gets(line, sizeof(line));
    if (line[0] == 0) exit(0);
    int count = split(line);
    if (count == 0) continue;
    if (fork() == 0) run(count);
    wait(0);
  }
}
