#pragma once

#include "process/process.hpp"

namespace process {

/// Lets the n-th allocation (frame or slot) that this process makes from now on fail, once; 0 disarms.
/// Returns how many it made since it was last armed. For reliability tests: counting up n until it is not
/// reached any more visits every failure path of an operation.
u64 arm_failure(Process& self, u64 nth);

}  // namespace process
