// SPDX-License-Identifier: MIT
// true: does nothing, successfully. The smallest program there is, for measuring what exec itself costs.
#include "user/libc/user.hpp"

int main(int, char**) { return 0; }
