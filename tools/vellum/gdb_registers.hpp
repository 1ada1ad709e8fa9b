// SPDX-License-Identifier: MIT
#pragma once
// What gdb calls registers: those of RISC-V, the CSRs, and the privilege.

#include <optional>
#include <string>

#include "tools/vellum/debugged.hpp"

namespace vellum_tool {

/// x0 to x31 and pc: what a `g` packet holds.
constexpr unsigned general_registers = 33;

/// The description that gdb asks for: names and numbers of everything below.
std::string target_description();

/// A register of a hart by gdb's number; nothing when there is none.
std::optional<vellum::u64> read_register(vellum::Machine<Watcher>& machine, unsigned hart, unsigned number);
/// Changes one. False: it can't be changed.
bool write_register(vellum::Machine<Watcher>& machine, unsigned hart, unsigned number, vellum::u64 value);

/// A few words on what a hart is doing, for gdb's list of threads.
std::string describe_hart(const vellum::Hart& hart);

}  // namespace vellum_tool
