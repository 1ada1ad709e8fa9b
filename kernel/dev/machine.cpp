// SPDX-License-Identifier: MIT
#include "dev/machine.hpp"

namespace dev {

namespace {

MachineDescription description;
MachinePlan plan;

}  // namespace

const MachinePlan& machine() { return plan; }
MachineDescription& description_to_fill() { return description; }
MachinePlan& machine_to_fill() { return plan; }

}  // namespace dev
