// SPDX-License-Identifier: MIT
#pragma once
// Every address space that exists: those of running programs, of the dead, and those that exec is still building.

#include "mm/check.hpp"

namespace mm {

/// AddressSpace::create and destroy keep the list.
void add_to_all_spaces(AddressSpace& space);
void remove_from_all_spaces(AddressSpace& space);

/// Checks all of them (see check.hpp) while every other hart is stopped: StoppedHarts is the caller's business.
[[nodiscard]] lib::Result<u64> check_all_spaces(TextSink report);

}  // namespace mm
