// SPDX-License-Identifier: MIT
// Strategy: tests/host/mm/world_test.cpp's, in the view `shared`.
#define WORLD_PERCENT 15
#include "mm/world_test.cpp"
