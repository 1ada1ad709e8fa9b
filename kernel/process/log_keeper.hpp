// SPDX-License-Identifier: MIT
#pragma once

#include "fs/log.hpp"

namespace process {

/// Starts the kernel's own thread that makes durable what nobody waits for, and empties this log, soon after the last
/// use: 10 ms if a hart has nothing else to do, a tick or two if all are busy. If so much was written that the log was
/// full, it is emptied after five seconds: more may come, and it is the
/// time that others (Linux) leave written pages in memory. Once, after the volume is mounted; the log lives for ever.
void start_log_keeper(fs::Log& log);

}  // namespace process
