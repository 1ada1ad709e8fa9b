#pragma once

#include <expected>
#include <span>
#include <string_view>

#include "tools/vellum/settings.hpp"

namespace vellum_tool {

extern const std::string_view usage;

/// Reads vellum's own command line (without the program's name).
std::expected<Settings, Complaint> parse_options(std::span<char* const> arguments);

/// '128M' in bytes; K, M, G, and MiB when nothing is said.
std::expected<std::uint64_t, Complaint> parse_memory(std::string_view text);
std::expected<unsigned, Complaint> parse_harts(std::string_view text);

/// Splits at `;` and newlines outside of quotes and parentheses; empty commands are dropped.
std::vector<std::string> split_commands(std::string_view text);

}  // namespace vellum_tool
