// SPDX-License-Identifier: MIT
#pragma once
// Faults in words: the walk that the hardware made, level by level, and the road by which the kernel came here.

#include <string_view>

#include "arch/riscv64/trap_frame.hpp"
#include "sv39/address.hpp"
#include "sv39/pte.hpp"

namespace report {

/// Prints the walk of `va` from the table at `root`, one line for each level, with the failing one marked, and the
/// verdict. `root` 0 is said to be what it is.
void print_walk(sv39::PhysAddr root, sv39::VirtAddr va, sv39::Access access, sv39::Privilege privilege);

/// Prints the callers from this frame pointer on, as far as they lie in [stack_bottom, stack_top).
void print_backtrace(u64 first_return_address, u64 frame_pointer, u64 stack_bottom, u64 stack_top);

/// Prints `address`, and behind it the function it is in if the kernel has its symbols.
void print_code_address(u64 address);

/// The part of the address space that an address is in: "user memory", "kernel text"...
[[nodiscard]] std::string_view place_of(u64 address);

}  // namespace report
