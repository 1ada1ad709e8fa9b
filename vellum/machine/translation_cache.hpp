// SPDX-License-Identifier: MIT
#pragma once
// Translations that a hart may use again, each from a virtual page to the host's bytes of it.
//
// They are never stale: a translation rests on entries in pages marked has_entries, stores to such pages take the long
// way, and one that changes a valid entry empties these caches. So what the machine does never depends on what happens
// to be remembered here, runs are equal to the bit, and what real hardware might have kept is left to the judges.

#include <array>

#include "vellum/machine/code_cache.hpp"
#include "vellum/mmu/walk.hpp"

namespace vellum {

/// From addresses of one page to the host's: host = virtual + addend.
struct DataTranslation {
  u64 tag = ~u64{0};  // the virtual page's address
  u64 addend = 0;
};
struct FetchTranslation {
  u64 tag = ~u64{0};
  Op* ops = nullptr;
};

/// Where a page is whose accesses take the long way: that way is shorter without a walk.
struct PlaceTranslation {
  u64 tag = ~u64{0};
  u64 physical = 0;
};

/// The caches for one combination of satp, privilege and the bits of mstatus that matter.
struct TranslationContext {
  static constexpr u64 data_slots = 256, fetch_slots = 64, place_slots = 8;

  struct Key {
    u64 satp = 0;
    Privilege fetch = Privilege::machine, data = Privilege::machine;
    bool sum = false, mxr = false;
    friend bool operator==(const Key&, const Key&) = default;
  };

  Key key;
  u32 filled = 0;  // how many were entered since it was emptied
  std::array<DataTranslation, data_slots> loads, stores;
  std::array<FetchTranslation, fetch_slots> fetches;
  std::array<PlaceTranslation, place_slots> load_places, store_places;
  bool has_places = false;
  static constexpr u32 log_slots = 128;
  std::array<u16, log_slots> log;  // what was entered: an index into loads, stores, fetches put one behind the other

  static constexpr u64 slot_of(u64 address) { return address / page_bytes % data_slots; }
  static constexpr u64 fetch_slot_of(u64 address) { return address / page_bytes % fetch_slots; }

  void enter_load(u64 page, const u8* host) {
    loads[slot_of(page)] = {page, reinterpret_cast<u64>(host) - page};
    note(slot_of(page));
  }
  void enter_store(u64 page, const u8* host) {
    stores[slot_of(page)] = {page, reinterpret_cast<u64>(host) - page};
    note(data_slots + slot_of(page));
  }
  void enter_fetch(u64 page, Op* ops) {
    fetches[fetch_slot_of(page)] = {page, ops};
    note(2 * data_slots + fetch_slot_of(page));
  }

  void keep_place(AccessKind kind, u64 page, u64 physical_page) {
    places_of(kind)[page / page_bytes % place_slots] = {page, physical_page};
    has_places = true;
  }
  /// Null: not known.
  [[nodiscard]] const PlaceTranslation* find_place(AccessKind kind, u64 page) {
    const PlaceTranslation& place = places_of(kind)[page / page_bytes % place_slots];
    return place.tag == page ? &place : nullptr;
  }

  void clear() {
    if (has_places) {
      load_places.fill({});
      store_places.fill({});
      has_places = false;
    }
    if (filled == 0) return;
    if (filled > log_slots) {
      loads.fill({});
      stores.fill({});
      fetches.fill({});
    } else {
      for (u32 i = 0; i < filled; ++i) forget(log[i]);
    }
    filled = 0;
  }
  /// Stores to the page at these bytes of the host take the long way from now on.
  void drop_stores(const u8* host) {
    for_each_of(data_slots, data_slots, [&](u64 i) {
      if (stores[i].tag != ~u64{0} && stores[i].tag + stores[i].addend == reinterpret_cast<u64>(host)) stores[i] = {};
    });
  }
  void drop_loads(const u8* host) {
    for_each_of(0, data_slots, [&](u64 i) {
      if (loads[i].tag != ~u64{0} && loads[i].tag + loads[i].addend == reinterpret_cast<u64>(host)) loads[i] = {};
    });
  }
  void drop_fetches(const Op* ops) {
    for_each_of(2 * data_slots, fetch_slots, [&](u64 i) {
      if (fetches[i].ops == ops) fetches[i] = {};
    });
  }

 private:
  std::array<PlaceTranslation, place_slots>& places_of(AccessKind kind) {
    return kind == AccessKind::store ? store_places : load_places;
  }
  void note(u64 index) {
    if (filled < log_slots) log[filled] = static_cast<u16>(index);
    if (filled <= log_slots) ++filled;
  }
  void forget(u16 index) {
    if (index < data_slots) {
      loads[index] = {};
    } else if (index < 2 * data_slots) {
      stores[index - data_slots] = {};
    } else {
      fetches[index - 2 * data_slots] = {};
    }
  }
  template <class Visit>
  void for_each_of(u64 first, u64 count, Visit visit) {
    if (filled > log_slots) {
      for (u64 i = 0; i < count; ++i) visit(i);
      return;
    }
    for (u32 i = 0; i < filled; ++i) {
      if (log[i] >= first && log[i] < first + count) visit(log[i] - first);
    }
  }
};

/// All of a hart's: a few contexts, so that going to the kernel and back finds what was there before.
class TranslationCache {
 public:
  static constexpr u32 contexts = 8;

  TranslationContext* select(const TranslationContext::Key& key) {
    for (TranslationContext& context : contexts_) {
      if (context.key == key) return &context;
    }
    TranslationContext& victim = contexts_[next_];
    next_ = (next_ + 1) % contexts;
    victim.clear();
    victim.key = key;
    return &victim;
  }
  void clear() {
    for (TranslationContext& context : contexts_) context.clear();
  }
  template <class Visit>
  void for_each(Visit visit) {
    for (TranslationContext& context : contexts_) {
      if (context.filled != 0) visit(context);
    }
  }

 private:
  std::array<TranslationContext, contexts> contexts_;
  u32 next_ = 0;
};

}  // namespace vellum
