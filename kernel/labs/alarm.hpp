// SPDX-License-Identifier: MIT
#pragma once

#include "process/process.hpp"

namespace lab {

/// A tick of the process's own running time: may divert it to its alarm handler (sigalarm).
void count_alarm_tick(process::Process& self);

}  // namespace lab
