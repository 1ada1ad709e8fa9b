// SPDX-License-Identifier: MIT
// The first program of a year's test image: its rows, each in a process of its own, then a summary.
#include "rows.h"

enum { console_major = 1, read_write = 2 };

void print(const char *text) {
  int length = 0;
  while (text[length] != 0) length++;
  write(1, text, length);
}

void print_number(uint64 number) {
  char digits[24];
  int at = sizeof digits;
  digits[--at] = 0;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  print(digits + at);
}

int in_child(int (*body)(void)) {
  int status = 0;
  int pid = fork();
  if (pid < 0) return -2;
  if (pid == 0) exit(body());
  while (wait(&status) != pid) {
  }
  return status;
}

static int failures, successes;

static void run(const struct row *rows) {
  for (; rows->name != 0; rows++) {
    int line = in_child(rows->run);
    print("row ");
    print(rows->name);
    if (line == 0) {
      successes++;
      print(": OK\n");
    } else {
      failures++;
      print(": FAILED at line ");
      print_number((uint64)(uint)line);
      print("\n");
    }
  }
}

int main(void) {
  if (open("console", read_write) < 0) {
    mknod("console", console_major, 0);
    open("console", read_write);
  }
  dup(0);
  dup(0);
  run(call_rows);
  run(memory_rows);
  run(file_rows);
  run(lock_rows);
  print("rows: ");
  print_number((uint64)successes);
  print(" passed, ");
  print_number((uint64)failures);
  print(" failed\n");
  for (;;) pause(1000);
}

void start(void) { main(); }
