// SPDX-License-Identifier: MIT
#include "vellum/words/object.hpp"

#include <array>
#include <charconv>

namespace vellum {

namespace {

using debug::Dwarf;
using debug::Members;
using debug::Type;
using debug::TypeKind;
using debug::u64;

constexpr int deepest = 16;  // of classes in classes: damaged information may go round

bool has_members(const Type& type) { return type.kind() == TypeKind::structure || type.kind() == TypeKind::union_; }

std::optional<Type> type_of_member(const Dwarf& dwarf, const debug::Member& member) {
  const auto type = Type::of(dwarf, member.entry);
  const auto bare = type ? type->stripped() : type;
  return bare ? std::optional(*bare) : std::nullopt;
}

std::optional<Part> member_of(const Dwarf& dwarf, const Type& type, std::string_view name, int depth) {
  if (depth == 0 || !has_members(type)) return std::nullopt;
  Members members(type);
  while (members.next().value_or(false)) {
    const debug::Member& member = members.member();
    const bool is_looked_into = member.is_base || member.name.empty();
    if ((!is_looked_into && member.name != name) || !member.offset) continue;
    const auto found = type_of_member(dwarf, member);
    if (!found) continue;
    if (!is_looked_into) return Part{*member.offset, *found};
    if (const auto inner = member_of(dwarf, *found, name, depth - 1)) {
      return Part{*member.offset + inner->offset, inner->type};
    }
  }
  return std::nullopt;
}

std::optional<Type> enumeration_within(const Dwarf& dwarf, const Type& type, int depth) {
  if (type.kind() == TypeKind::enumeration) return type;
  const auto size = type.size();
  if (depth == 0 || !has_members(type) || !size) return std::nullopt;
  Members members(type);
  while (members.next().value_or(false)) {
    const auto inner = type_of_member(dwarf, members.member());
    if (!inner || inner->size().value_or(0) != *size) continue;
    if (const auto found = enumeration_within(dwarf, *inner, depth - 1)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Part> part_of(const Dwarf& dwarf, const Type& type, std::string_view path) {
  const auto bare = type.stripped();
  if (!bare) return std::nullopt;
  Part part{0, *bare};
  while (!path.empty()) {
    const auto dot = path.find('.');
    const auto next = member_of(dwarf, part.type, path.substr(0, dot), deepest);
    if (!next) return std::nullopt;
    part = {part.offset + next->offset, next->type};
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return part;
}

std::optional<Type> enumeration_in(const Dwarf& dwarf, const Type& type) {
  const auto bare = type.stripped();
  return bare ? enumeration_within(dwarf, *bare, deepest) : std::nullopt;
}

std::optional<Type> first_parameter(const debug::DebugInfo& info, u64 function) {
  if (function == 0 || info.dwarf() == nullptr) return std::nullopt;
  const Dwarf& dwarf = *info.dwarf();
  std::array<debug::Place, 4> places;
  const debug::usize count = info.places_at(function, places);
  if (count == 0 || !places[count - 1].entry) return std::nullopt;
  debug::Walk walk = debug::Walk::below(dwarf, *places[count - 1].entry);
  while (walk.next().value_or(false)) {
    if (walk.entry().tag() != debug::tag::formal_parameter) {
      if (!walk.skip_children()) return std::nullopt;
      continue;
    }
    const auto type = Type::of(dwarf, walk.entry());
    const auto bare = type ? type->stripped() : type;
    const auto target = bare ? bare->target() : bare;
    const auto object = target ? target->stripped() : target;
    return object ? std::optional(*object) : std::nullopt;
  }
  return std::nullopt;
}

namespace {

struct Inner {
  std::string step;
  Type type;
  u64 offset = 0;
};

/// One step down: the element, the member or, without a name, the base class that holds the byte.
std::optional<Inner> step_into(const Dwarf& dwarf, const Type& type, u64 offset) {
  if (type.kind() == TypeKind::array) {
    const auto element = type.target();
    const auto bare = element ? element->stripped() : element;
    const u64 size = bare ? bare->size().value_or(0) : 0;
    if (size == 0) return std::nullopt;
    return Inner{"[" + std::to_string(offset / size) + "]", *bare, offset % size};
  }
  if (!has_members(type)) return std::nullopt;
  Members members(type);
  while (members.next().value_or(false)) {
    const debug::Member& member = members.member();
    const auto inner = type_of_member(dwarf, member);
    if (!inner || !member.offset || offset - *member.offset >= inner->size().value_or(0)) continue;
    // What the C++ library calls its own says nothing.
    const bool is_named = !member.is_base && !member.name.empty() && !member.name.starts_with("_M_");
    return Inner{is_named ? "." + std::string(member.name) : std::string(), *inner, offset - *member.offset};
  }
  return std::nullopt;
}

}  // namespace

std::string path_to(const Dwarf& dwarf, const Type& type, u64 offset) {
  const auto bare = type.stripped();
  if (!bare) return {};
  std::string path;
  Inner at{{}, *bare, offset};
  for (int depth = 0; depth < deepest; ++depth) {
    // Where a structure begins, the structure is meant and not its first member.
    if (at.offset == 0 && at.type.kind() != TypeKind::array) break;
    auto inner = step_into(dwarf, at.type, at.offset);
    if (!inner) break;
    path += inner->step;
    at = std::move(*inner);
  }
  return path;
}

std::string plain_name(std::string_view symbol) {
  std::string_view rest = symbol;
  const bool is_nested = rest.starts_with("_ZN");
  if (!is_nested && !rest.starts_with("_Z")) return std::string(symbol);
  rest.remove_prefix(is_nested ? 3 : 2);
  std::string name;
  while (!rest.empty() && rest.front() != 'E') {
    debug::usize length = 0;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    const auto digits = static_cast<debug::usize>(read.ptr - rest.data());
    if (read.ec != std::errc() || length == 0 || length > rest.size() - digits) return std::string(symbol);
    const std::string_view part = rest.substr(digits, length);
    if (part != "_GLOBAL__N_1") name += (name.empty() ? "" : "::") + std::string(part);
    rest.remove_prefix(digits + length);
  }
  return name;
}

}  // namespace vellum
