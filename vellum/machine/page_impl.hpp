// SPDX-License-Identifier: MIT
#pragma once
// Pages with something special about them, and what is remembered of translations and instructions.

#include "vellum/machine/machine.hpp"

namespace vellum {

/// From now on accesses to this page take the long way.
template <Observer O>
void Machine<O>::mark(u64 page, u8 flag) {
  PageInfo& info = memory_.info(page);
  if ((info.flags & flag) != 0) return;
  info.flags |= flag;
  const u8* bytes = memory_.bytes_of(page);
  for (Hart& hart : harts_) {
    hart.translations.for_each([&](TranslationContext& context) {
      if ((flag & page_flag::store_is_special) != 0) context.drop_stores(bytes);
      if ((flag & page_flag::watched_load) != 0) context.drop_loads(bytes);
    });
  }
}

template <Observer O>
void Machine<O>::watch(u64 address, bool loads, bool stores) {
  const u64 page = memory_.page_at(address);
  if (page == Memory::not_a_page) return;
  memory_.info(page).flags &= static_cast<u8>(~(page_flag::watched_load | page_flag::watched_store));
  if (loads) mark(page, page_flag::watched_load);
  if (stores) mark(page, page_flag::watched_store);
}

/// The decoded form of a page.
template <Observer O>
DecodedPage& Machine<O>::decoded(u64 page) {
  PageInfo& info = memory_.info(page);
  if (info.code != PageInfo::no_code) return code_.at(info.code);
  const u32 index = code_.next();
  DecodedPage& place = code_.at(index);
  if (place.is_in_use) drop_code(place.page);
  place.clear();
  place.page = page;
  place.is_in_use = true;
  info.code = index;
  info.stores_into_code = 0;
  mark(page, page_flag::has_code);
  return place;
}

template <Observer O>
void Machine<O>::forget_fetches(u64 page) {
  const PageInfo& info = memory_.info(page);
  if (info.code == PageInfo::no_code) return;
  const DecodedPage& place = code_.at(info.code);
  for (Hart& hart : harts_) {
    hart.translations.for_each([&](TranslationContext& context) { context.drop_fetches(place.ops); });
    hart.refetch = true;
  }
}

template <Observer O>
void Machine<O>::forget_decoded(u64 page) {
  const PageInfo& info = memory_.info(page);
  if (info.code != PageInfo::no_code) code_.at(info.code).clear();
}

template <Observer O>
void Machine<O>::drop_code(u64 page) {
  forget_fetches(page);
  PageInfo& info = memory_.info(page);
  code_.at(info.code).is_in_use = false;
  info.code = PageInfo::no_code;
  info.flags &= static_cast<u8>(~page_flag::has_code);
}

/// The first store into a page since begin_epoch().
template <Observer O>
void Machine<O>::note_first_store(u64 page) {
  PageInfo& info = memory_.info(page);
  if ((info.flags & page_flag::unsaved) == 0) return;
  info.flags &= static_cast<u8>(~page_flag::unsaved);
  if constexpr (O::sees_first_stores) observer_.on_first_store(page);
}

template <Observer O>
void Machine<O>::begin_epoch() {
  for (u64 page = 0; page < memory_.page_count(); ++page) memory_.info(page).flags |= page_flag::unsaved;
  forget_translations();
}

template <Observer O>
void Machine<O>::swap_page(u64 page, std::span<u8> with) {
  const std::span<u8> content = memory_.content_of(page);
  const PageInfo& info = memory_.info(page);
  if ((info.flags & page_flag::has_code) != 0) drop_code(page);
  if ((info.flags & page_flag::has_entries) != 0) forget_translations();
  std::swap_ranges(content.begin(), content.end(), with.begin());
}

template <Observer O>
void Machine<O>::disk_write(u64 offset, std::span<const u8> from) {
  const u64 last = (offset + from.size() - 1) / page_bytes;
  for (u64 page = offset / page_bytes; page <= last; ++page) note_first_store(memory_.first_disk_page() + page);
  copy_bytes(storage_.disk.data() + offset, from.data(), from.size());
}

/// An entry that translations rest on has changed.
template <Observer O>
void Machine<O>::forget_translations() {
  for (Hart& hart : harts_) hart.translations.clear();
}

}  // namespace vellum
