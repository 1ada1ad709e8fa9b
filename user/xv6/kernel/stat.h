// SPDX-License-Identifier: MIT
// What fstat() tells of a file; laid out as abi::Stat.
#pragma once

#define T_DIR 1
#define T_FILE 2
#define T_DEVICE 3
#define T_SYMLINK 4

struct stat {
  int dev;
  uint ino;
  short type;
  short nlink;
  uint64 size;
};
