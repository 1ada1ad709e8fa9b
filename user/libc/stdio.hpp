// SPDX-License-Identifier: MIT
#pragma once
// Formatted output and line input over descriptors (xv6: printf, fprintf, gets). C linkage.

extern "C" {

// %d %u %x %ld %lu %lx %lld %llu %llx %p %s %c %% and %l (a long, as in xv6 of 2020). `%p` prints 0x and 16
// digits. A width (with - or 0) before the letter is honoured. Each call is one write() unless it is very long.
void printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
void fprintf(int fd, const char* format, ...) __attribute__((format(printf, 2, 3)));

// Like printf into `out` of `size` bytes, cut off and always NUL-terminated.
void snprintf_to(char* out, int size, const char* format, ...) __attribute__((format(printf, 3, 4)));

// One line from descriptor 0 with its newline, at most max - 1 characters; empty at the end of input.
char* gets(char* line, int max);

}  // extern "C"
