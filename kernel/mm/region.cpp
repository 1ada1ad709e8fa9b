// SPDX-License-Identifier: MIT
#include "mm/region.hpp"

#include "lib/bug.hpp"

namespace mm {

u32 RegionList::first_above(VirtAddr va) const {
  u32 low = 0;
  u32 high = size_;
  while (low < high) {
    u32 middle = (low + high) / 2;
    if ((*this)[middle].end <= va) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Region* RegionList::find(VirtAddr va) {
  // Faults come in runs, so the region of the last one is the best guess.
  if (last_found_ < size_ && begin()[last_found_].contains(va)) return &begin()[last_found_];
  u32 index = first_above(va);
  if (index == size_ || !begin()[index].contains(va)) return nullptr;
  last_found_ = index;
  return &begin()[index];
}

bool RegionList::any_in(VirtAddr from, VirtAddr to) const {
  u32 index = first_above(from);
  return index < size_ && (*this)[index].begin < to;
}

Region& RegionList::insert(const Region& region) {
  if (size_ == capacity) lib::bug("region list: insert without room");
  u32 index = size_;
  if (size_ != 0 && (*this)[size_ - 1].end > region.begin) [[unlikely]]
    index = make_gap(region.begin, region.end);
  ++size_;
  (*this)[index] = region;
  return (*this)[index];
}

/// Moves the regions above [begin, end) up by one place; returns the place that is free then.
[[gnu::noinline]] u32 RegionList::make_gap(VirtAddr begin, VirtAddr end) {
  const u32 index = first_above(begin);
  if (index < size_ && (*this)[index].begin < end) lib::bug("region list: overlap");
  for (u32 i = size_; i > index; --i) (*this)[i] = (*this)[i - 1];
  return index;
}

void RegionList::erase(u32 index) {
  --size_;
  for (u32 i = index; i < size_; ++i) (*this)[i] = (*this)[i + 1];
}

u32 RegionList::cut(u32 index, VirtAddr at) {
  Region upper = (*this)[index];
  Region& lower = (*this)[index];
  upper.begin = at;
  upper.first_page += at.floor() - lower.begin.floor();
  lower.end = at;
  // Both keep the part of the populated hull that is theirs.
  if (lower.populated_end > at) lower.populated_end = lower.populated_begin < at ? at : lower.populated_begin;
  if (lower.populated_begin >= lower.populated_end) lower.populated_begin = lower.populated_end = VirtAddr();
  if (upper.populated_begin < at) upper.populated_begin = at;
  if (upper.populated_begin >= upper.populated_end) upper.populated_begin = upper.populated_end = VirtAddr();
  insert(upper);
  return index + 1;
}

}  // namespace mm
