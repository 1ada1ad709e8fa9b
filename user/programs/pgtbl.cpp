// SPDX-License-Identifier: MIT
// pgtbl: this program's own page table, printed by the kernel.
#include "user/libc/user.hpp"

int main(int, char**) { return kpgtbl() == 0 ? 0 : 1; }
