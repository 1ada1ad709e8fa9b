// SPDX-License-Identifier: MIT
#pragma once
// The platform-level interrupt controllers (xv6: plic.c). A machine of several sockets has one for each; a hart hears
// the one of its own.

#include "dev/device_tree.hpp"
#include "lib/types.hpp"

namespace dev::plic {

/// Interrupt number 0 means none.
inline constexpr u32 nothing = 0;

/// Sources are numbered 1 to max_sources - 1 by each controller for itself.
inline constexpr u32 max_sources = MachineDescription::max_sources;
inline constexpr u32 max_controllers = MachineDescription::max_plics;

/// A controller's registers at this kernel address; all sources off. Once for each.
void start(u32 controller, u64 registers);

/// Lets a source interrupt harts that are started later, and this one (priority above their threshold).
void enable_source(u32 controller, u32 source);

/// Keeps an enabled source from interrupting any hart (its priority is 0), and lets it again. By any hart.
void silence(u32 controller, u32 source);
void hear(u32 controller, u32 source);

/// Lets this hart take the enabled sources of its controller, in its S-mode context.
void start_hart(u32 controller, u32 context);

/// The controller that this hart hears.
[[nodiscard]] u32 controller_of_this_hart();

/// Takes the most urgent pending source of this hart, or `nothing`.
[[nodiscard]] u32 claim();

/// Done with it: the source may interrupt again.
void complete(u32 source);

}  // namespace dev::plic
