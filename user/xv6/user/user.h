// SPDX-License-Identifier: MIT
// System calls and the library, as C programs written for xv6 expect them (2020 to 2026). What stands behind the
// names is user/libc.
#pragma once

#include "kernel/types.h"

struct stat;
struct sysinfo;

// With xv6cc --year Y only the names of that year are declared, so that a program may have a `pause` of its own.
// Without it, all of them.
#ifdef XV6_YEAR
#define XV6_SINCE(year) (XV6_YEAR >= (year))
#define XV6_UNTIL(year) (XV6_YEAR <= (year))
#else
#define XV6_SINCE(year) 1
#define XV6_UNTIL(year) 1
#endif

// System calls.
int fork(void);
int exit(int) __attribute__((noreturn));
int wait(int *);
int pipe(int *);
int write(int, const void *, int);
int read(int, void *, int);
int close(int);
int kill(int);
int exec(const char *, char **);
int open(const char *, int);
int mknod(const char *, short, short);
int unlink(const char *);
int fstat(int fd, struct stat *);
int link(const char *, const char *);
int mkdir(const char *);
int chdir(const char *);
int dup(int);
int getpid(void);
int uptime(void);
char *sbrk(int);
#define SBRK_ERROR ((char *)-1)
#if XV6_UNTIL(2024)
int sleep(int);
#endif
#if XV6_SINCE(2025)
int pause(int);
char *sys_sbrk(int, int);
char *sbrklazy(int);
#endif

// The labs' calls.
int trace(int);
int sysinfo(struct sysinfo *);
int sigalarm(int ticks, void (*handler)());
int sigreturn(void);
int symlink(const char *target, const char *path);
void *mmap(void *addr, unsigned long length, int prot, int flags, int fd, unsigned long offset);
int munmap(void *addr, unsigned long length);
#if XV6_UNTIL(2023)
int pgaccess(void *base, int len, void *mask);
#endif
#if XV6_SINCE(2024)
uint64 pgpte(void *);
int kpgtbl(void);
#endif
#if XV6_SINCE(2025)
int interpose(int, const char *);
int rwlktest(void);
int cpupin(int);
#endif
#if XV6_SINCE(2026)
int sync(void);
void vmprint(void);
#endif

// Library.
int ugetpid(void);
int stat(const char *, struct stat *);
char *strcpy(char *, const char *);
void *memmove(void *, const void *, int);
char *strchr(const char *, char c);
int strcmp(const char *, const char *);
void fprintf(int, const char *, ...) __attribute__((format(printf, 2, 3)));
void printf(const char *, ...) __attribute__((format(printf, 1, 2)));
char *gets(char *, int max);
uint strlen(const char *);
void *memset(void *, int, uint);
int atoi(const char *);
int memcmp(const void *, const void *, uint);
void *memcpy(void *, const void *, uint);
int statistics(void *, int);
void *malloc(uint);
void free(void *);
