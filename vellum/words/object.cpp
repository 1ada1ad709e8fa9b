// SPDX-License-Identifier: MIT
#include "vellum/words/object.hpp"

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

}  // namespace vellum
