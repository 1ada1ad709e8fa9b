// SPDX-License-Identifier: MIT
#pragma once

#include "labs/edition.hpp"

namespace lab {

/// Makes the statistics device (major number 2) with the text that the edition asks for. xv6's labs:
/// stats.c.
void start_statistics(StatisticsText text);

}  // namespace lab
