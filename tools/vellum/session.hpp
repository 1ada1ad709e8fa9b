#pragma once
// A machine that runs with someone at its serial line: a person, a program behind a pipe, or a list of commands.

#include "tools/vellum/settings.hpp"
#include "tools/vellum/terminal.hpp"
#include "tools/vellum/vm.hpp"

namespace vellum_tool {

/// Exit status as `./run --exec` has it: 0 all came back, 1 the machine went away, 124 the budget was used up.
constexpr int status_came_back = 0, status_failed = 1, status_bad_usage = 2, status_out_of_budget = 124;

/// Runs until the guest powers off or the user leaves; the exit status.
int run_on_terminal(Vm& machine, const Settings& settings);

/// Types each command at a prompt and waits until the machine is back at one.
int run_commands(Vm& machine, const Settings& settings);

/// Every hart waits: lets time pass until the next event or a key. False when the user leaves.
bool wait_idle(Vm& machine, Terminal& terminal);

}  // namespace vellum_tool
