// SPDX-License-Identifier: MIT
// Rows of docs/xv6-contract.md about the lock labs: the statistics device, and what their tests of the allocator ask.
#include "rows.h"

#ifdef ROWS_LOCKS

enum { statistics_major = 2, text_size = 4096 };

// The number two bytes behind the first "=" of the statistics, which is all that the lab's tests read; -1 if there is
// no such text.
static int contention(int show) {
  static char text[text_size];
  int length = 0, got = 0, total = 0;
  int fd = open("statistics", 0);
  if (fd < 0) return -1;
  while (length < text_size - 1 && (got = read(fd, text + length, text_size - 1 - length)) > 0) length += got;
  close(fd);
  text[length] = 0;
  if (show) print(text);
  const char *at = text;
  while (*at != '=' && *at != 0) at++;
  if (*at == 0) return -1;
  for (at += 2; *at >= '0' && *at <= '9'; at++) total = total * 10 + *at - '0';
  return total;
}

// One text for each opening, and one end.
static int statistics(void) {
  char byte;
  EXPECT(mknod("statistics", statistics_major, 0) == 0);
  EXPECT(contention(1) >= 0);
  int fd = open("statistics", 0);
  EXPECT(fd >= 0);
  for (int texts = 0; texts < 2; texts++) {
    int got, bytes = 0;
    while ((got = read(fd, &byte, 1)) == 1) {
      if (bytes++ == 0) EXPECT(byte == '-');
    }
    EXPECT(got == -1 && bytes > 0 && bytes < text_size);
  }
  return 0;
}

// A page taken, written and given back.
static int take_and_give(void) {
  char *at = sbrk(page);
  if (at == (char *)-1) return 0;
  at[4] = 1;
  EXPECT(sbrk(-page) == at + page);
  return 0;
}

static int free_pages(void) {
  char *begin = sbrk(0);
  int pages = 0;
  while (sbrk(page) != (char *)-1) pages++;
  sbrk((int)(begin - (char *)sbrk(0)));
  return pages;
}

// Harts that take and give pages do not meet: each has pages of its own.
static int no_contention(void) {
  enum { children = 2, rounds = 5000, most_contended = 10 };
  int before = contention(0), status = 0;
  for (int child = 0; child < children; child++) {
    if (fork() == 0) {
      for (int round = 0; round < rounds; round++) {
        int line = take_and_give();
        if (line != 0) exit(line);
      }
      exit(0);
    }
  }
  for (int child = 0; child < children; child++) EXPECT(wait(&status) > 0 && status == 0);
  EXPECT(contention(0) - before < most_contended);
  return 0;
}

// What is left when most was taken at once is what can be taken page by page, as often as one likes.
static int stealing(void) {
  enum { left = 128, rounds = 20 };
  int pages = free_pages();
  EXPECT(pages > left);
  EXPECT(sbrk((pages - left) * page) != (char *)-1);
  for (int round = 0; round < rounds; round++) EXPECT(free_pages() == left);
  sbrk(-(pages - left) * page);
  EXPECT(free_pages() == pages);
  return 0;
}

#ifdef HAVE_cpupin
int cpupin(int);

// Three harts take and give single pages, the fourth nearly all that there is: each gets what it asks for, and they
// wait for one another less than three times in ten.
static int nearly_all_beside_single_pages(void) {
  enum { single = 3, rounds = 3000, spare = 100 };
  int pages = free_pages() - single * spare, before = contention(0), status = 0;
  EXPECT(pages > 0);
  for (int child = 0; child < single; child++) {
    if (fork() == 0) {
      int line = cpupin(child) == 0 ? 0 : __LINE__;
      for (int round = 0; round < rounds && line == 0; round++) line = take_and_give();
      exit(line);
    }
  }
  int hog = fork();
  if (hog == 0) {
    if (cpupin(single) != 0) exit(__LINE__);
    for (;;) {
      if (sbrk(pages * page) == (char *)-1) exit(__LINE__);
      sbrk(-pages * page);
    }
  }
  for (int child = 0; child < single; child++) EXPECT(wait(&status) != hog && status == 0);
  EXPECT(kill(hog) == 0);
  EXPECT(wait(&status) == hog && status == -1);
  EXPECT(contention(1) - before < single * rounds * 3 / 10);
  return 0;
}
#endif
#endif

const struct row lock_rows[] = {
#ifdef ROWS_LOCKS
    {"statistics", statistics},
    {"kalloc_contention", no_contention},
    {"kalloc_stealing", stealing},
#ifdef HAVE_cpupin
    {"kalloc_pinned", nearly_all_beside_single_pages},
#endif
#endif
    {0, 0},
};
