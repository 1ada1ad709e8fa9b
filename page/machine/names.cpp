// SPDX-License-Identifier: MIT
#include "page/machine/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace page {

using vellum::u64;
using vellum::usize;

std::span<std::byte> Names::more(void* owner, usize bytes) {
  constexpr usize usual = usize{256} << 10;
  const usize size = std::max(bytes, usual);
  auto& pieces = static_cast<Names*>(owner)->pieces_;
  pieces.push_back(std::make_unique<std::byte[]>(size));
  return {pieces.back().get(), size};
}

Names::Names(std::span<const vellum::u8> file)
    : arena_(std::make_unique<vellum::debug::Arena>(std::span<std::byte>(), more, this)) {
  if (const auto info = vellum::debug::DebugInfo::open(std::as_bytes(file), *arena_)) info_ = *info;
}

std::optional<vellum::debug::Place> Names::place(u64 address) const {
  if (info_ == nullptr) return std::nullopt;
  std::array<vellum::debug::Place, 8> places;
  const usize count = info_->places_at(address, places);
  // An inlined function of the C++ library says less than the line that calls it.
  std::array<char, 512> room;
  for (const auto& found : std::span(places).first(count)) {
    if (!found.file || spell(*found.file, room).find("/include/c++/") == std::string_view::npos) return found;
  }
  return count == 0 ? std::nullopt : std::optional(places[0]);
}

std::string Names::function(u64 address) const {
  const auto found = place(address);
  if (!found || found->function.empty()) return fmt::format("{:#x}", address);
  return found->offset == 0 ? std::string(found->function) : fmt::format("{}+{:#x}", found->function, found->offset);
}

std::string Names::line(u64 address) const {
  const auto found = place(address);
  if (!found || !found->file || !found->line) return {};
  std::array<char, 512> room;
  // As the kernel's author names it: without the folder that it was built in.
  std::string_view file = vellum::debug::spell(*found->file, room);
  if (const auto up = file.rfind("/../"); up != std::string_view::npos) file.remove_prefix(up + 4);
  if (const auto folder = file.find("/kernel/"); folder != std::string_view::npos) file.remove_prefix(folder + 1);
  return fmt::format("{}:{}", file, *found->line);
}

u64 Names::address_of(std::string_view name) const {
  if (info_ == nullptr) return 0;
  if (const auto* symbol = info_->symbols().find(name)) return symbol->address;
  // A C++ name is mangled: its length stands before each part.
  const std::string part = fmt::format("{}{}", name.size(), name);
  for (const auto& symbol : info_->symbols().all()) {
    if (symbol.name.starts_with("_Z") && symbol.name.find(part) != std::string_view::npos) return symbol.address;
  }
  return 0;
}

}  // namespace page
