// SPDX-License-Identifier: MIT
// Strategy: tests/host/mm/kernel_space_test.cpp's, in the view `mirrored`, whose stacks share one address.
#include "mm/kernel_space_test.cpp"
