// SPDX-License-Identifier: MIT
// Rows of docs/xv6-contract.md about files.
#include "rows.h"

enum { read_write = 2, create = 0x200 };

// -1, and the byte before the fault is in the file all the same.
static int partial_write(void) {
  char byte = 0;
  int fd = open("partial", create | read_write);
  EXPECT(fd >= 0 && write(fd, "A", 1) == 1);
  close(fd);
  sbrk(page - (int)((uint64)sbrk(0) % page));
  char *end = sbrk(0);
  end[-1] = 'X';
  fd = open("partial", read_write);
  EXPECT(write(fd, end - 1, 2) == -1);
  close(fd);
  fd = open("partial", 0);
  EXPECT(read(fd, &byte, 1) == 1 && byte == 'X');
  return 0;
}

static int unlinked_directory(void) {
  EXPECT(mkdir("/a") == 0 && mkdir("/a/b") == 0);
  EXPECT(chdir("/a/b") == 0);
  EXPECT(unlink("/a/b") == 0 && unlink("/a") == 0);
  EXPECT(open("../", 0) == -1);
  EXPECT(open("../c", create | read_write) == -1);
  EXPECT(mkdir("d") == -1);
  return 0;
}

static int pipe_faults(void) {
  int ends[2];
  char byte = 0;
  EXPECT(pipe(ends) == 0);
  EXPECT(write(ends[1], (void *)0x8000000000, 1) == -1);
  EXPECT(write(ends[1], "x", 1) == 1);
  EXPECT(read(ends[0], (void *)0x8000000000, 1) == -1);
  // What could not be delivered is still there, or it is not: either way nobody waits for ever.
  EXPECT(write(ends[1], "y", 1) == 1);
  EXPECT(read(ends[0], &byte, 1) == 1);
  EXPECT(read(ends[0], &byte, -1) == -1 && write(ends[1], &byte, -1) == -1);
  return 0;
}

#ifdef ROWS_LINKS
// The end of usertests' linkoverflow (2026): a file that has all but 64 of the links that its count can say gets those,
// in 64 directories, and no more; a refusal costs nothing.
static int too_many_links(void) {
  enum { most = 32767, directories = 64, link_count_at = 5 };
  static char name[] = "/d_aa/laaa";
  short stat[12];
  int fd = open("/lof", 0);
  EXPECT(fstat(fd, stat) == 0 && stat[link_count_at] == most - directories);
  for (int i = 0; i < directories; i++) {
    name[3] = (char)('a' + i / 16);
    name[4] = (char)('a' + i % 16);
    name[5] = 0;
    EXPECT(mkdir(name) == 0);
    name[5] = '/';
    EXPECT(link("/lof", name) == 0);
  }
  EXPECT(fstat(fd, stat) == 0 && stat[link_count_at] == most);
  for (int i = 0; i < 3; i++) EXPECT(link("/lof", "/one_more") == -1 && open("/one_more", 0) == -1);
  EXPECT(unlink(name) == 0);
  EXPECT(link("/lof", "/one_more") == 0 && link("/lof", name) == -1);
  EXPECT(unlink("/one_more") == 0);
  return 0;
}
#endif

const struct row file_rows[] = {
    {"partial_write", partial_write},
    {"unlinkcwd", unlinked_directory},
    {"pipe_faults", pipe_faults},
#ifdef ROWS_LINKS
    {"linkoverflow", too_many_links},
#endif
    {0, 0},
};
