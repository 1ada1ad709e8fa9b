// SPDX-License-Identifier: MIT
#pragma once
// The end: the kernel found itself wrong (xv6: panic).

#include "arch/riscv64/trap_frame.hpp"

/// Says everything that is known about a trap out of the kernel, and stops all harts.
[[noreturn]] void panic_at_trap(const char* cause, const arch::KernelTrapFrame& frame);
