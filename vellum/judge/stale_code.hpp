// SPDX-License-Identifier: MIT
#pragma once
// The judge of missing fence.i: a hart executes bytes that were stored after its last one (unprivileged manual,
// Zifencei). Stores are remembered for each eight bytes in a table of fixed size; where two share a place the older is
// forgotten, so the judge errs towards silence.
//
// Seen are the stores into pages with instructions that someone has run, and those that fill a frame that was handed
// out: a program that the kernel has just loaded into it is run there for the first time.

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "vellum/judge/moment.hpp"
#include "vellum/machine/machine.hpp"

namespace vellum {

struct CodeStore {
  u64 address = ~u64{0};  // physical, a multiple of 8
  u64 tick = 0;
  Moment by{};
  CallChain callers{};
};

class CodeStores {
 public:
  /// `places.size()` is a power of two.
  explicit CodeStores(std::span<CodeStore> places) : places_(places) {}

  void note(u64 address, u64 bytes, const CodeStore& store) {
    for (u64 at = address & ~u64{7}; at < address + bytes; at += 8) {
      CodeStore& place = place_of(at);
      place = store;
      place.address = at;
    }
  }

  /// The newest store into these bytes after `tick`; null if none is known.
  [[nodiscard]] const CodeStore* newest_after(u64 tick, u64 address, u64 bytes) const {
    const CodeStore* newest = nullptr;
    for (u64 at = address & ~u64{7}; at < address + bytes; at += 8) {
      const CodeStore& place = place_of(at);
      if (place.address == at && place.tick > tick && (newest == nullptr || place.tick > newest->tick)) newest = &place;
    }
    return newest;
  }

 private:
  [[nodiscard]] CodeStore& place_of(u64 address) const {
    return places_[(address >> 3) * 0x9e37'79b9'7f4a'7c15 >> 24 & (places_.size() - 1)];
  }

  std::span<CodeStore> places_;
};

/// Who called, where many stores follow each other in one loop: the chain is looked up for the first of them.
class SameCallers {
 public:
  template <class ChainOf>
  const CallChain& of(const Hart& hart, ChainOf chain_of) {
    constexpr u32 return_address = 1, stack_pointer = 2, frame_pointer = 8;
    const Key key{hart.x[return_address], hart.x[stack_pointer], hart.x[frame_pointer], hart.satp, hart.id};
    if (key != key_) chain_ = chain_of(hart);
    key_ = key;
    return chain_;
  }

 private:
  struct Key {
    u64 returns_to = 0, stack = 0, frame = 0, satp = 0;
    u32 hart = by_device;
    friend bool operator==(const Key&, const Key&) = default;
  };
  Key key_;
  CallChain chain_{};
};

/// Pages with code that are stored into. The machine decodes an instruction once for all harts: a hart that comes to a
/// page which was stored into after its own fence.i has to look at it for itself. Pages may share a place here; then
/// one is looked at once too often.
class CodePages {
 public:
  /// Whether some hart has come to the page since the last store into it.
  bool note_store(u64 page, u64 tick) {
    Page& place = pages_[page % pages_.size()];
    place.stored = tick;
    return std::exchange(place.was_entered, false);
  }
  /// Whether this hart has to look at the page's instructions: it has not since they were stored.
  bool note_arrival(u32 hart, u64 page, u64 last_fence_i) {
    Page& place = pages_[page % pages_.size()];
    place.was_entered = true;
    if (place.stored <= std::max(last_fence_i, place.looked[hart])) return false;
    place.looked[hart] = place.stored;
    return true;
  }

 private:
  struct Page {
    u64 stored = 0;  // ticks
    std::array<u64, max_harts> looked{};
    bool was_entered = false;
  };
  std::array<Page, 2048> pages_{};
};

}  // namespace vellum
