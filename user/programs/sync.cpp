// SPDX-License-Identifier: MIT
// sync: what was written so far is on the disk when this ends.
#include "user/libc/user.hpp"

int main(int, char**) { return sync() == 0 ? 0 : 1; }
