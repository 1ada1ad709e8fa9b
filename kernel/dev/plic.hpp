#pragma once
// The platform-level interrupt controller (xv6: plic.c).

#include "lib/types.hpp"

namespace dev::plic {

/// Interrupt number 0 means none.
inline constexpr u32 nothing = 0;

/// The controller's registers at this kernel address; all sources off. Once.
void start(u64 registers);

/// Lets a source interrupt harts (priority above their threshold).
void enable_source(u32 source);

/// Lets this hart take the enabled sources. `hart` is its index, `context` its S-mode context.
void start_hart(u32 hart, u32 context);

/// Takes the most urgent pending source of this hart, or `nothing`.
[[nodiscard]] u32 claim();

/// Done with it: the source may interrupt again.
void complete(u32 source);

}  // namespace dev::plic
