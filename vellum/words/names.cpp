// SPDX-License-Identifier: MIT
#include "vellum/words/names.hpp"

#include <algorithm>
#include <array>
#include <span>

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

std::optional<debug::Place> Names::find(u64 address) const {
  if (info_ == nullptr) return std::nullopt;
  std::array<debug::Place, 8> places;
  const usize count = info_->places_at(address, places);
  // An inlined function of the C++ library says less than the line that calls it.
  std::array<char, 512> room;
  for (const debug::Place& found : std::span(places).first(count)) {
    if (!found.file || debug::spell(*found.file, room).find("/include/c++/") == std::string_view::npos) return found;
  }
  return count == 0 ? std::nullopt : std::optional(places[0]);
}

std::string Names::function(u64 address) const {
  const auto found = find(address);
  if (!found || found->function.empty()) return in_hex(address);
  return std::string(found->function) + (found->offset == 0 ? "" : "+" + in_hex(found->offset));
}

std::string Names::line(u64 address) const {
  const auto found = find(address);
  if (!found || !found->file || !found->line) return {};
  std::array<char, 512> room;
  // As the kernel's author names it: without the folder that it was built in.
  std::string_view file = debug::spell(*found->file, room);
  if (const auto up = file.rfind("/../"); up != std::string_view::npos) file.remove_prefix(up + 4);
  if (const auto folder = file.rfind("/kernel/"); folder != std::string_view::npos) file.remove_prefix(folder + 1);
  return std::string(file) + ":" + std::to_string(*found->line);
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
