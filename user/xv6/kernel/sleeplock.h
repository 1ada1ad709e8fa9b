// SPDX-License-Identifier: MIT
// See spinlock.h.
#pragma once

struct sleeplock {
  uint locked;
};
