// SPDX-License-Identifier: MIT
#pragma once

#include <expected>
#include <span>
#include <string_view>

#include "tools/vellum/settings.hpp"

namespace vellum_tool {

extern const std::string_view usage;

/// Reads the command line (without the program's name): vellum's own words, which begin with two dashes, or QEMU's.
std::expected<Settings, Complaint> parse_options(std::span<char* const> arguments);

/// One of QEMU's options, which begin with one dash; `value` is what follows it, if it takes something. How many
/// arguments it was, or what is wrong with it.
std::expected<unsigned, Complaint> parse_qemu_option(std::string_view option, std::optional<std::string_view> value,
                                                     Settings& settings);

/// '128M' in bytes; K, M, G, and MiB when nothing is said.
std::expected<std::uint64_t, Complaint> parse_memory(std::string_view text);
std::expected<unsigned, Complaint> parse_harts(std::string_view text);
std::expected<unsigned, Complaint> parse_port(std::string_view text);

/// A number of instructions, or an occasion to stop at.
std::expected<void, Complaint> parse_until(std::string_view text, Settings& settings);

/// Splits at `;` and newlines outside of quotes and parentheses; empty commands are dropped.
std::vector<std::string> split_commands(std::string_view text);

}  // namespace vellum_tool
