// SPDX-License-Identifier: MIT
#pragma once
// One node of the tree: 512 entries in one frame (xv6's pagetable_t points to the root one).

#include <atomic>

#include "sv39/pte.hpp"

namespace sv39 {

/// The hardware walker of any hart may read the node at any moment and may set A and D in it, so entries are loaded
/// and stored whole. A store is a release: whoever sees the entry sees the frame's contents written before it.
class alignas(page_size) PageTable {
 public:
  [[nodiscard]] Pte load(unsigned index) const {
    return Pte::from_raw(std::atomic_ref<u64>(const_cast<u64&>(entries_[index])).load(std::memory_order_relaxed));
  }
  void store(unsigned index, Pte pte) {
    std::atomic_ref<u64>(entries_[index]).store(pte.raw(), std::memory_order_release);
  }
  /// Replaces the entry and returns what it was, A and D included, even when a walker sets them meanwhile.
  Pte exchange(unsigned index, Pte pte) {
    return Pte::from_raw(std::atomic_ref<u64>(entries_[index]).exchange(pte.raw(), std::memory_order_acq_rel));
  }
  [[nodiscard]] bool is_empty() const {
    for (unsigned i = 0; i < entries_per_table; ++i) {
      if (load(i).raw() != 0) return false;
    }
    return true;
  }

 private:
  u64 entries_[entries_per_table];
};

static_assert(sizeof(PageTable) == page_size);

}  // namespace sv39
