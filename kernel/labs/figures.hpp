// SPDX-License-Identifier: MIT
#pragma once

#include "process/process.hpp"

// What the benchmarks measure of the boot: instructions retired until the first program runs and until it reads the
// console, without those that passed while harts waited for the disk. lab_vmstat gives them out.
namespace lab {

/// Counts from now on what passes while harts wait. Under QEMU's icount an idle machine jumps to its next timer and
/// instret jumps with it; on real harts it stands still.
void start_counting_waits();

/// The first program is about to begin.
void note_first_program();

/// Stands between the console's device file and its readers, to see the first one.
void watch_console();

}  // namespace lab
