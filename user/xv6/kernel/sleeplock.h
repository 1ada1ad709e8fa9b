// See spinlock.h.
#pragma once

struct sleeplock {
  uint locked;
};
