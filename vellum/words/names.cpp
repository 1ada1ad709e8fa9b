// SPDX-License-Identifier: MIT
#include "vellum/words/names.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "vellum/isa/privileged.hpp"
#include "vellum/words/sentence.hpp"

namespace vellum {

std::span<std::byte> Names::more(void* owner, usize bytes) {
  constexpr usize usual = usize{256} << 10;
  const usize size = std::max(bytes, usual);
  auto& pieces = static_cast<Names*>(owner)->pieces_;
  pieces.push_back(std::make_unique<std::byte[]>(size));
  return {pieces.back().get(), size};
}

Names::Names(std::span<const u8> file) : arena_(std::span<std::byte>(), more, this) {
  if (const auto info = debug::DebugInfo::open(std::as_bytes(file), arena_)) info_ = *info;
}

/// The page through which xv6 goes in and out of the kernel is mapped below the end of the lower half as well.
u64 Names::where_linked(u64 address) const {
  constexpr u64 trampoline = 0x3f'ffff'f000;
  if ((address & page_mask) != trampoline) return address;
  for (const char* name : {"trampoline", "trampoline_start"}) {
    if (const debug::Symbol* symbol = info_->symbols().find(name))
      return (symbol->address & page_mask) + address - trampoline;
  }
  return address;
}

usize Names::find_all(u64 address, Places& places) const {
  if (info_ == nullptr) return 0;
  const usize count = info_->places_at(where_linked(address), places);
  // An inlined function of the C++ library says less than the line that calls it.
  std::array<char, 512> room;
  usize kept = 0;
  for (usize i = 0; i < count; ++i) {
    const auto& file = places[i].file;
    const bool is_of_library = file && debug::spell(*file, room).find("/include/c++/") != std::string_view::npos;
    if (!is_of_library || count == 1) places[kept++] = places[i];
  }
  return kept;
}

std::optional<debug::Place> Names::find(u64 address) const {
  Places places;
  return find_all(address, places) == 0 ? std::nullopt : std::optional(places[0]);
}

std::vector<std::string> Names::around(u64 address) const {
  Places places;
  const usize count = find_all(address, places);
  std::vector<std::string> list;
  for (usize i = 1; i < count; ++i) {
    const std::string where = line_of(places[i]);
    list.push_back(std::string(places[i].function) + (where.empty() ? "" : " (" + where + ")"));
  }
  return list;
}

std::string Names::function(u64 address) const {
  const auto found = find(address);
  if (!found || found->function.empty()) return in_hex(address);
  return std::string(found->function) + (found->offset == 0 ? "" : "+" + in_hex(found->offset));
}

std::string Names::line(u64 address) const {
  const auto found = find(address);
  return found ? line_of(*found) : std::string();
}

std::string Names::line_of(const debug::Place& place) {
  if (!place.file || !place.line) return {};
  std::array<char, 512> room;
  // As the kernel's author names it: without the folder that it was built in.
  std::string_view file = debug::spell(*place.file, room);
  if (const auto up = file.rfind("/../"); up != std::string_view::npos) file.remove_prefix(up + 4);
  if (const auto folder = file.rfind("/kernel/"); folder != std::string_view::npos) file.remove_prefix(folder + 1);
  return std::string(file) + ":" + std::to_string(*place.line);
}

std::string Names::place(u64 address) const {
  const std::string where = line(address);
  return function(address) + (where.empty() ? "" : " (" + where + ")");
}

CodeRange Names::range_of(std::string_view name) const {
  if (info_ == nullptr) return {};
  const debug::Symbol* found = info_->symbols().find(name);
  if (found == nullptr) {
    // A C++ name is mangled: its length stands before it, and behind it E or I where it has a namespace.
    const std::string part = std::to_string(name.size()) + std::string(name);
    const auto is_meant = [&part](const debug::Symbol& symbol) {
      if (symbol.name.starts_with("_Z" + part)) return true;
      const auto at = symbol.name.starts_with("_ZN") ? symbol.name.find(part) : std::string_view::npos;
      if (at == std::string_view::npos || at + part.size() >= symbol.name.size()) return false;
      const char after = symbol.name[at + part.size()];
      return after == 'E' || after == 'I';
    };
    const auto all = info_->symbols().all();
    const auto match = std::find_if(all.begin(), all.end(), is_meant);
    if (match == all.end()) return {};
    found = &*match;
  }
  return {found->address, found->address + std::max<u64>(found->size, 2)};
}

}  // namespace vellum
