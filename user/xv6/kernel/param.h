// SPDX-License-Identifier: MIT
// Limits, as far as programs can observe them (abi/limits.hpp), and the sizes that xv6's tests take for granted.
#pragma once

#define NPROC 64
#define NCPU 8
#define NOFILE 16
#define NFILE 100
#define NINODE 50
#define NDEV 10
#define ROOTDEV 1
#define MAXARG 32
#define MAXOPBLOCKS 10
#define LOGSIZE (MAXOPBLOCKS * 3)
#define LOGBLOCKS (MAXOPBLOCKS * 3)
#define NBUF (MAXOPBLOCKS * 3)
#ifndef FSSIZE
#define FSSIZE 2000
#endif
#define MAXPATH 128
#define USERSTACK 1
