// SPDX-License-Identifier: MIT
// Some programs include this with file.h; of a lock they need only that it is a type.
#pragma once

struct spinlock {
  uint locked;
};
