// SPDX-License-Identifier: MIT
#pragma once
// The judge of missing fence.i: a hart executes bytes that were stored after its last one (unprivileged manual,
// Zifencei). Stores are remembered for each eight bytes in a table of fixed size; where two share a place the older is
// forgotten, so the judge errs towards silence.

#include <span>

#include "vellum/judge/moment.hpp"

namespace vellum {

struct CodeStore {
  u64 address = ~u64{0};  // physical, a multiple of 8
  u64 tick = 0;
  Moment by{};
};

class CodeStores {
 public:
  /// `places.size()` is a power of two.
  explicit CodeStores(std::span<CodeStore> places) : places_(places) {}

  void note(u64 address, u64 bytes, u64 tick, const Moment& by) {
    for (u64 at = address & ~u64{7}; at < address + bytes; at += 8) place_of(at) = {at, tick, by};
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

}  // namespace vellum
