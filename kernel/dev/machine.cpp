#include "dev/machine.hpp"

namespace dev {

namespace {

MachineDescription description;

}  // namespace

const MachineDescription& machine() { return description; }
MachineDescription& machine_to_fill() { return description; }

}  // namespace dev
