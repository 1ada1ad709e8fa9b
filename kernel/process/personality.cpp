// SPDX-License-Identifier: MIT
#include "process/personality.hpp"

namespace process {

namespace {

constinit Personality active;

}  // namespace

const Personality& personality() { return active; }

void set_personality(const Personality& chosen) { active = chosen; }

}  // namespace process
