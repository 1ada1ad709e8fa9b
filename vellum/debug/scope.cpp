// SPDX-License-Identifier: MIT
#include "vellum/debug/scope.hpp"

#include <algorithm>

namespace vellum::debug {

bool Scope::enter(unsigned depth, std::string_view name) {
  if (count_ == most_names) return false;
  names_[count_] = name;
  depths_[count_++] = depth;
  return true;
}

void Scope::leave_to(unsigned depth) {
  while (count_ != 0 && depths_[count_ - 1] >= depth) --count_;
}

bool is_scope(const Entry& entry) {
  switch (entry.tag()) {
    case tag::namespace_:
    case tag::structure_type:
    case tag::class_type:
    case tag::union_type:
    case tag::interface_type:
    case tag::enumeration_type:
    case tag::subprogram: return true;
    default: return false;
  }
}

std::string_view spell(const Scope& scope, std::string_view name, std::span<char> out) {
  usize length = 0;
  const auto add = [&](std::string_view part) {
    const usize fitting = std::min(part.size(), out.size() - length);
    std::ranges::copy(part.substr(0, fitting), out.data() + length);
    length += fitting;
  };
  for (const std::string_view part : scope.names()) {
    add(part);
    add("::");
  }
  add(name);
  return {out.data(), length};
}

Result<Scope> scope_of(const Dwarf& dwarf, const Entry& entry) {
  constexpr int most_steps = 16;
  Entry declared = entry;
  for (int step = 0; step < most_steps; ++step) {
    const auto origin = dwarf.origin(declared);
    if (!origin) return std::unexpected(origin.error());
    if (!*origin) break;
    declared = **origin;
  }
  Scope found;
  const auto visited = visit(dwarf, declared.unit(), [&](const Entry& at, const Scope& scope) {
    if (at.offset() < declared.offset()) return Next::into;
    if (at.offset() == declared.offset()) found = scope;
    return Next::stop;
  });
  if (!visited) return std::unexpected(visited.error());
  return found;
}

}  // namespace vellum::debug
