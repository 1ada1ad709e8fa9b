// SPDX-License-Identifier: MIT
// Strategy: tests/host/mm/kernel_space_test.cpp's, in the view `shared`.
#include "mm/kernel_space_test.cpp"
