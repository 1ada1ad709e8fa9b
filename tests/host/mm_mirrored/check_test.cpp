// SPDX-License-Identifier: MIT
// Strategy: tests/host/mm/check_test.cpp's, in the view `mirrored`, whose mirror is checked too.
#include "mm/check_test.cpp"
