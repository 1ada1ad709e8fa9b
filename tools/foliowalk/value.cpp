// SPDX-License-Identifier: MIT
#include "tools/foliowalk/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace foliowalk {

std::optional<u64> KernelMemory::to_physical(u64 va) const {
  if (const auto loaded = image_->loaded_at(va)) return loaded;
  if (tree_) {
    if (const Leaf* leaf = tree_->find(va)) return leaf->pa + (va - leaf->va);
  }
  if (ram_->contains(va, 1)) return va;
  return std::nullopt;
}

const KernelMemory::Page* KernelMemory::page(u64 pa) const {
  constexpr usize most_pages = 64;
  const auto known = std::ranges::find(pages_, pa, &Page::pa);
  if (known != pages_.end()) return &*known;
  if (pages_.size() >= most_pages) pages_.clear();
  Page& fresh = pages_.emplace_back();
  fresh.pa = pa;
  if (ram_->read(pa, fresh.bytes)) return &fresh;
  pages_.pop_back();
  return nullptr;
}

bool KernelMemory::read(u64 va, std::span<std::byte> out) const {
  while (!out.empty()) {
    const auto pa = to_physical(va);
    const usize offset = va % sv39::page_size;
    const usize part = std::min<usize>(out.size(), sv39::page_size - offset);
    if (!pa || *pa % sv39::page_size != offset) return false;
    const Page* const from = page(*pa - offset);
    if (!from) return false;
    std::memcpy(out.data(), from->bytes.data() + offset, part);
    out = out.subspan(part);
    va += part;
  }
  return true;
}

Value Value::of_variable(const KernelMemory& memory, std::string_view path) {
  const usize dot = path.find('.');
  const Variable* variable = memory.image().variable(path.substr(0, dot));
  if (!variable) return {};
  const Value value(memory, variable->type, variable->address);
  return dot == std::string_view::npos ? value : value.member(path.substr(dot + 1));
}

Value Value::direct_member(std::string_view name) const {
  if (!exists() || type_->kind != Type::Kind::structure) return {};
  for (const Type::Member& member : type_->members) {
    if (!member.problem.empty()) continue;
    const Value value(*memory_, member.type, address_ + member.offset);
    if (member.name == name) return value;
    if (!member.name.empty()) continue;
    if (const Value inner = value.direct_member(name); inner.exists()) return inner;
  }
  return {};
}

Value Value::member(std::string_view path) const {
  Value value = *this;
  while (!path.empty() && value.exists()) {
    const usize dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    if (value.type_->kind == Type::Kind::pointer) value = value.pointee();
    value = value.direct_member(name);
  }
  return value;
}

Value Value::pointee() const {
  if (!exists() || type_->kind != Type::Kind::pointer || !type_->element) return {};
  const auto target = number();
  return target && *target != 0 ? Value(*memory_, type_->element, *target) : Value();
}

/// Looks through classes that hold nothing but one object of their own size.
Value Value::unwrapped() const {
  Value value = *this;
  while (value.exists() && value.type_->kind == Type::Kind::structure) {
    const auto inner = std::ranges::find_if(value.type_->members, [&](const Type::Member& member) {
      return member.type && member.problem.empty() && member.offset == 0 && member.type->size == value.type_->size &&
             member.type->size != 0;
    });
    if (inner == value.type_->members.end()) return value;
    value = Value(*value.memory_, inner->type, value.address_);
  }
  return value;
}

Value Value::array() const {
  const Value value = unwrapped();
  return value.exists() && value.type_->kind == Type::Kind::array ? value : Value();
}

Value Value::at(u64 index) const {
  const Value whole = array();
  if (!whole.exists() || index >= whole.type_->count || !whole.type_->element) return {};
  return Value(*memory_, whole.type_->element, whole.address_ + index * whole.type_->element->size);
}

u64 Value::length() const {
  const Value whole = array();
  return whole.exists() ? whole.type_->count : 0;
}

std::optional<u64> Value::number() const {
  const Value value = unwrapped();
  if (!value.exists() || value.type_->size == 0 || value.type_->size > 8) return std::nullopt;
  u64 result = 0;
  const auto bytes = std::as_writable_bytes(std::span(&result, 1)).first(value.type_->size);
  if (!memory_->read(value.address_, bytes)) return std::nullopt;
  if (value.type_->is_signed) {
    const unsigned unused = 64 - 8 * static_cast<unsigned>(value.type_->size);
    result = static_cast<u64>(static_cast<i64>(result << unused) >> unused);
  }
  return result;
}

std::string Value::enumerator() const {
  const Value value = unwrapped();
  const auto raw = number();
  if (!raw) return "?";
  for (const Type::Enumerator& known : value.type_->enumerators) {
    if (static_cast<u64>(known.value) == *raw) return known.name;
  }
  return fmt::format("{}", *raw);
}

std::string Value::text() const {
  const Value whole = array();
  if (!whole.exists() || whole.type_->size > 4096) return {};
  std::string text(whole.type_->size, '\0');
  if (!memory_->read(whole.address_, std::as_writable_bytes(std::span(text)))) return {};
  text.resize(std::min(text.find('\0'), text.size()));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return text;
}

}  // namespace foliowalk
