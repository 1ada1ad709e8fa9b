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
void Machine<O>::drop_code(u64 page) {
  PageInfo& info = memory_.info(page);
  DecodedPage& place = code_.at(info.code);
  for (Hart& hart : harts_) {
    hart.translations.for_each([&](TranslationContext& context) { context.drop_fetches(place.ops); });
    hart.refetch = true;
  }
  place.is_in_use = false;
  info.code = PageInfo::no_code;
  info.flags &= static_cast<u8>(~page_flag::has_code);
}

/// An entry that translations rest on has changed.
template <Observer O>
void Machine<O>::forget_translations() {
  for (Hart& hart : harts_) hart.translations.clear();
}

}  // namespace vellum
