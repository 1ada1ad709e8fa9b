// SPDX-License-Identifier: MIT
#pragma once

#include "process/process.hpp"
#include "sv39/pte.hpp"

namespace process {

/// Says in one line why a program is ended: what it did, where, and what its page table says about the
/// address, level by level. A program that faults in a loop cannot flood the console: beyond a few lines a
/// second they are counted and the count is told with the next line (A9).
void report_fault(const Process& process, sv39::Access access, sv39::VirtAddr va, mm::FaultResult result);

/// The same for traps that are not page faults: illegal instruction, misaligned access...
void report_exception(const Process& process, u64 cause, u64 value);

}  // namespace process
