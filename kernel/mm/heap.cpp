// SPDX-License-Identifier: MIT
// sbrk: the heap grows and shrinks.
#include "lib/bug.hpp"
#include "mm/address_space.hpp"
#include "mm/pages.hpp"

namespace mm {

class Heap {
 public:
  [[nodiscard]] static Region* heap_below(AddressSpace& space, VirtAddr end, u32 mappings);
  static void promote(AddressSpace& space, const Region& heap, VirtAddr begin, VirtAddr end);
  [[nodiscard]] static bool grow_eager(AddressSpace& space, VirtAddr begin, VirtAddr end);
  [[nodiscard]] static inline bool grow_single_page(AddressSpace& space, VirtAddr page, VirtAddr end);
  static void keep_last_frames(AddressSpace& space, u64 wanted);
  // The common requests, of a page or a few, are each written out where sbrk makes them; what is rare calls them from
  // afar.
  [[nodiscard]] static inline lib::Result<u64> grow_here(AddressSpace& space, u64 bytes, Growth growth);
  [[nodiscard]] static lib::Result<u64> grow_part(AddressSpace& space, u64 bytes, Growth growth);
  [[nodiscard]] static lib::Result<u64> grow_by_parts(AddressSpace& space, u64 bytes, Growth growth);
  static inline void shrink_here(AddressSpace& space, u64 bytes);
  static void undo_growth(AddressSpace& space, u64 bytes);
};

namespace {

/// Growth::eager_if_it_fits: from this size on a request that does not fit gets addresses only.
constexpr u64 large_request = u64{16} << 20;

/// The first page border that is not below an address of [0, limit], which is far from wrapping.
VirtAddr page_up(u64 address) { return VirtAddr((address + sv39::page_size - 1) & ~(sv39::page_size - 1)); }

}  // namespace

[[gnu::always_inline]] inline lib::Result<u64> Heap::grow_here(AddressSpace& space, u64 bytes, Growth growth) {
  const u64 old = space.break_;
  const u32 mappings = Pages::first_mapping(space);
  const u64 limit = mappings < space.regions_.size() ? space.regions_[mappings].begin.value() : space.limit_;
  if (bytes > limit - old) return lib::fail(lib::Error::no_memory);
  const VirtAddr begin = page_up(old);
  const VirtAddr end = page_up(old + bytes);
  if (begin < end) {
    Region* heap = heap_below(space, begin, mappings);
    if (heap == nullptr && !space.regions_.has_room(1)) return lib::fail(lib::Error::no_memory);
    bool populated = false;
    if (growth != Growth::lazy) {
      populated = grow_single_page(space, begin, end) || grow_eager(space, begin, end);
      const bool may_be_lazy = growth == Growth::eager_if_it_fits && bytes >= large_request;
      if (!populated && !may_be_lazy) return lib::fail(lib::Error::no_memory);
    }
    if (heap == nullptr) {
      heap = &space.regions_.insert(
          Region{.begin = begin, .end = end, .kind = RegionKind::heap, .permissions = Permissions::read_write()});
    }
    heap->end = end;
    if (populated) {
      heap->note_populated(begin, end);
      if (begin.align_down(Level::mega) != end.align_down(Level::mega)) promote(space, *heap, begin, end);
    }
  }
  space.break_ = old + bytes;
  return old;
}

[[gnu::always_inline]] inline void Heap::shrink_here(AddressSpace& space, u64 bytes) {
  const VirtAddr begin = page_up(space.break_ - bytes);
  const VirtAddr end = page_up(space.break_);
  space.break_ -= bytes;
  if (begin >= end) return;
  Region* heap = heap_below(space, end, Pages::first_mapping(space));
  if (heap == nullptr || heap->begin > begin) {
    Pages::erase(space, begin, end);
    return;
  }
  Pages::unmap(space, *heap, begin, end);
  if (heap->begin == begin) {
    space.regions_.erase(static_cast<u32>(heap - space.regions_.begin()));
    return;
  }
  heap->end = begin;
  if (heap->populated_end > begin) {
    heap->populated_end = begin;
    if (heap->populated_begin >= begin) heap->populated_begin = heap->populated_end = VirtAddr();
  }
}

lib::Result<u64> AddressSpace::grow(u64 bytes, Growth growth) {
  if (bytes > Pages::part_bytes && growth != Growth::lazy) [[unlikely]]
    return Heap::grow_by_parts(*this, bytes, growth);
  return Heap::grow_here(*this, bytes, growth);
}

void AddressSpace::shrink(u64 bytes) { Heap::shrink_here(*this, bytes); }

[[gnu::noinline]] lib::Result<u64> Heap::grow_part(AddressSpace& space, u64 bytes, Growth growth) {
  return grow_here(space, bytes, growth);
}

[[gnu::noinline]] void Heap::undo_growth(AddressSpace& space, u64 bytes) { shrink_here(space, bytes); }

/// Much memory at once: in parts, all of which go back if one fails.
[[gnu::noinline]] lib::Result<u64> Heap::grow_by_parts(AddressSpace& space, u64 bytes, Growth growth) {
  const u64 old = space.break_;
  const u64 end = old + bytes;
  const VirtAddr limit = Pages::lowest_mapping(space);
  if (limit.value() < old || bytes > limit.value() - old) return lib::fail(lib::Error::no_memory);
  const auto grow_to = [&](VirtAddr from, VirtAddr to) {
    return grow_part(space, to - from, Growth::eager).has_value();
  };
  const bool may_fit = Pages::has_room_for(space, page_up(old), page_up(end));
  if (may_fit && Pages::in_parts(VirtAddr(old), VirtAddr(end), grow_to)) return old;
  undo_growth(space, space.break_ - old);
  if (growth == Growth::eager || bytes < large_request) return lib::fail(lib::Error::no_memory);
  return grow_part(space, bytes, Growth::lazy);
}

/// The heap region if it ends at `end`, or null: the last region below the mappings, of which `mappings` is the first.
Region* Heap::heap_below(AddressSpace& space, VirtAddr end, u32 mappings) {
  if (mappings == 0) return nullptr;
  Region& last = space.regions_[mappings - 1];
  return last.kind == RegionKind::heap && last.end == end ? &last : nullptr;
}

/// Where [begin, end) completed 2 MiB of the heap, they may have become fit for a megapage.
[[gnu::noinline]] void Heap::promote(AddressSpace& space, const Region& heap, VirtAddr begin, VirtAddr end) {
  constexpr u64 mega = sv39::bytes_of(Level::mega);
  for (VirtAddr next = begin.align_down(Level::mega) + mega; next <= end; next = next + mega) {
    Pages::promote_if_full(space, heap, VirtAddr(next.value() - sv39::page_size));
  }
}

/// Memory for [begin, end) at once; false: there was not enough, and nothing has changed. A 2 MiB part that is aligned
/// and wholly new becomes a megapage if a block is free; its deposit is the table that base pages would have needed, so
/// that both cost the same.
[[gnu::noinline]] bool Heap::grow_eager(AddressSpace& space, VirtAddr begin, VirtAddr end) {
  const VirtRange range = *VirtRange::between(begin, end);
  const u64 page_count = range.page_count();
  if (frames().has_too_few(page_count)) {
    keep_last_frames(space, page_count);
    return false;
  }
  TableEdit edit = space.edit();
  if (!edit.cursor.want_tables(range, Level::base, edit.tables)) lib::bug("memory above the break is mapped");
  const u64 tables_wanted = edit.tables.wanted();
  MegapageReservation megapages;
  FrameReservation pages;
  bool reserved = !frames().has_too_few(page_count + edit.tables.missing()) && edit.tables.reserve();
  if (reserved) {
    for (VirtAddr va = begin.floor().address(); va < end;
         va = va.align_down(Level::mega) + sv39::bytes_of(Level::mega)) {
      if (!va.is_aligned(Level::mega) || end - va < sv39::bytes_of(Level::mega)) continue;
      if (!edit.cursor.can_put_megapage(va) || !megapages.add()) break;
    }
    const u64 covered = megapages.left() * sv39::pages_of(Level::mega);
    reserved = pages.add(page_count - covered, FrameState::user, Zero::yes).has_value();
  }
  if (!reserved) {
    edit.tables.release();
    if (page_count == 1) keep_last_frames(space, tables_wanted + 1);
    return false;
  }

  Pages::note_tables(space, begin, end);
  const Permissions rights = Permissions::read_write().user();
  for (VirtAddr va = begin; va < end;) {
    const VirtAddr slot_end = va.align_down(Level::mega) + sv39::bytes_of(Level::mega);
    const VirtRange part = *VirtRange::between(va, slot_end < end ? slot_end : end);
    if (megapages.left() != 0 && part.bytes() == sv39::bytes_of(Level::mega)) {
      edit.link_tables(part, Level::mega);
      edit.put_megapage(va, Pte::leaf(megapages.take(), rights, Level::mega));
      count(VmEvent::superpage_mapped);
    } else {
      edit.link_tables(part);
      edit.put_all(part, [&](u64) { return Pte::leaf(pages.take(), rights); });
    }
    va = part.end();
  }
  return true;
}

/// One page where the tables are there already, the commonest request. False: it is not so simple.
[[gnu::always_inline]] inline bool Heap::grow_single_page(AddressSpace& space, VirtAddr page, VirtAddr end) {
  if (end - page != sv39::page_size) return false;
  const sv39::Slot slot = Cursor::walk(TableMemory{}, space.root_, page);
  if (slot.level != Level::base) return false;
  auto frame = frames().allocate(FrameState::user, Zero::yes);
  if (!frame) return false;
  space.put(slot, page, Pte::leaf(*frame, Permissions::read_write().user()));
  return true;
}

/// Memory is exhausted but for fewer frames than the page and its tables need: the space keeps them for the tables of
/// a later attempt. So a program that takes pages until it fails has taken all (xv6 keeps the table it made too).
void Heap::keep_last_frames(AddressSpace& space, u64 wanted) {
  constexpr u64 most_tables = 4;
  if (wanted > most_tables + 1) return;
  while (space.spares_.left() < most_tables && frames().has_too_few(wanted)) {
    if (!space.spares_.add_one(FrameState::table, Zero::yes)) return;
  }
}

}  // namespace mm
