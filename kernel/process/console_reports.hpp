// SPDX-License-Identifier: MIT
#pragma once

namespace process {

/// Gives the console what Ctrl-P (process list) and Ctrl-T (page table of the process that runs here) print.
/// xv6: procdump.
void set_console_reports();

}  // namespace process
