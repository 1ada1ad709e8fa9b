// SPDX-License-Identifier: MIT
#pragma once
// What the rows of a year's test image see of the system: its stubs (made by years_test.py with that image's numbers),
// and a few lines of library.

typedef unsigned char uchar;
typedef unsigned int uint;
typedef unsigned long uint64;

enum { page = 4096 };

int fork(void);
int exit(int) __attribute__((noreturn));
int exec(const char *, char **);
int wait(int *);
int pipe(int *);
int read(int, void *, int);
int write(int, const void *, int);
int kill(int);
int close(int);
int open(const char *, int);
int mknod(const char *, short, short);
int link(const char *, const char *);
int fstat(int, void *);
int unlink(const char *);
int mkdir(const char *);
int chdir(const char *);
int dup(int);
int getpid(void);
int uptime(void);
#if YEAR >= 2025
char *sys_sbrk(int, int);
int pause(int);
static inline char *sbrk(int n) { return sys_sbrk(n, 1); }
static inline char *sbrklazy(int n) { return sys_sbrk(n, 2); }
#else
char *sbrk(int);
int sleep(int);
static inline int pause(int n) { return sleep(n); }
#endif

struct row {
  const char *name;
  int (*run)(void);  // 0, or the line that failed
};

// The rows of one file, ended by one without a name.
extern const struct row call_rows[], memory_rows[], file_rows[], lock_rows[];

#define EXPECT(condition) \
  if (!(condition)) return __LINE__

void print(const char *text);
void print_number(uint64 number);
/// Runs `body` in a child; its exit status, or -1 if it was killed.
int in_child(int (*body)(void));
