// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string_view>

#include "process/personality.hpp"

namespace boot {

/// What a panic ends in. Boot argument `panic=exit`.
enum class AfterPanic : u8 { stop, power_off };

/// The core's boot arguments. What is not given is left to the image, or to a wing.
struct Arguments {
  AfterPanic after_panic = AfterPanic::stop;
  std::string_view root;  ///< `root=N|ADDRESS`: the disk, see dev::start_virtio_block; empty: the first
  std::optional<process::SbrkRule> sbrk;  ///< `sbrk=guess|legacy|flagged`
  std::optional<u32> stack_pages;  ///< `stack=1|2`
  std::optional<u32> no_follow_mask;  ///< `nofollow=HEX`
};

/// Reads the machine's boot arguments, the wings' among them, and names on the console those that mean nothing. Once,
/// when there is a console.
void read_arguments();

[[nodiscard]] const Arguments& arguments();

/// Puts what was given in the place of what is chosen so far (process::personality).
void override_personality();

}  // namespace boot
