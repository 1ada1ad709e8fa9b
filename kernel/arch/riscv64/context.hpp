// SPDX-License-Identifier: MIT
#pragma once
// The registers that a thread keeps while another one runs.

#include <cstddef>

#include "lib/types.hpp"

namespace arch {

/// Callee-saved registers (xv6: struct context). Floating point belongs to user mode alone.
struct Context {
  u64 ra = 0;
  u64 sp = 0;
  u64 s[12] = {};
};

static_assert(sizeof(Context) == 14 * 8);

/// Saves the running thread's registers in `from` and continues with those of `to` (xv6: swtch).
///
/// Between saving and loading it touches no stack, because in `mirrored` every process has its kernel stack at the
/// same address: there the write of satp changes what sp means. Both contexts and `from_on_cpu` are seen at the same
/// address under both tables. `satp` counts in `mirrored` only; elsewhere the hart is on the right table already. When
/// the old stack is no longer in use, `*from_on_cpu` becomes 0 (release): from then on another hart may run the old
/// thread.
extern "C" void arch_switch_context(Context* from, const Context* to, u64 satp, void* to_thread, u32* from_on_cpu);

}  // namespace arch
