#pragma once

#include "process/personality.hpp"

namespace syscall {

/// Makes the statistics device (major number 2) with the text that the personality asks for. xv6's labs:
/// stats.c.
void start_statistics(process::StatisticsText text);

}  // namespace syscall
