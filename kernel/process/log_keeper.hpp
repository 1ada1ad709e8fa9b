#pragma once

#include "fs/log.hpp"

namespace process {

/// Starts the kernel's own thread that empties this log soon after the last use: 10 ms if a hart has nothing else to
/// do, a tick or two if all are busy. Once, after the volume is mounted; the log lives for ever.
void start_log_keeper(fs::Log& log);

}  // namespace process
