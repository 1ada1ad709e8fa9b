// SPDX-License-Identifier: MIT
// Of the kernel's files a program (init) needs only the numbers of the devices.
#pragma once

#define CONSOLE 1
#define STATS 2

#define mkdev(m, n) ((uint)((m) << 16 | (n)))
#define major(dev) ((dev) >> 16 & 0xFFFF)
#define minor(dev) ((dev) & 0xFFFF)
