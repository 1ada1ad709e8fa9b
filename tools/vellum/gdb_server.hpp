// SPDX-License-Identifier: MIT
#pragma once
// gdb's remote serial protocol over TCP.

#include <expected>

#include "tools/vellum/debugged.hpp"

namespace vellum_tool {

/// Runs the machine for a debugger on settings.gdb_port of 127.0.0.1, and for the terminal. The exit status, or why the
/// port cannot be had.
std::expected<int, Complaint> serve_gdb(Debugged& machine, const Settings& settings);

}  // namespace vellum_tool
