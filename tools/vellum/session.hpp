// SPDX-License-Identifier: MIT
#pragma once
// A machine that runs with someone at its serial line: a person, a program behind a pipe, or a list of commands.

#include "tools/vellum/recording.hpp"
#include "tools/vellum/settings.hpp"
#include "tools/vellum/terminal.hpp"
#include "tools/vellum/vm.hpp"
#include "vellum/words/names.hpp"

namespace vellum_tool {

/// Exit status as `./run --exec` has it: 0 all came back, 1 the machine went away, panicked or hangs, 3 a judge who was
/// asked for found a fault, 124 the budget was used up.
constexpr int status_came_back = 0, status_failed = 1, status_bad_usage = 2, status_found = 3,
              status_out_of_budget = 124;

/// Runs until the guest powers off or the user leaves; the exit status.
int run_on_terminal(Vm& machine, const Settings& settings, const vellum::Names& names);

/// Types each command at a prompt and waits until the machine is back at one.
int run_commands(Vm& machine, const Settings& settings, const vellum::Names& names);

/// The same run as the one that was recorded, up to where that ended or the settings stop it.
int run_again(Vm& machine, const Recording& recording, const Settings& settings, const vellum::Names& names);

/// Every hart waits: lets time pass until the next event or a key. False when the user leaves.
bool wait_idle(Vm& machine, Terminal& terminal);

}  // namespace vellum_tool
