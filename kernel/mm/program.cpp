// SPDX-License-Identifier: MIT
// Program memory: exec's segments and stack, and sbrk's heap.
#include "mm/address_space.hpp"

#include "lib/bug.hpp"
#include "mm/kernel_space.hpp"

namespace mm {

namespace {

/// Growth::eager_if_it_fits: from this size on a request that does not fit gets addresses only.
constexpr u64 large_request = u64{16} << 20;

/// The first page border that is not below an address of [0, limit], which is far from wrapping.
VirtAddr page_up(u64 address) { return VirtAddr((address + sv39::page_size - 1) & ~(sv39::page_size - 1)); }

Permissions both(Permissions a, Permissions b) {
  const bool writable = a.allows(Access::write) || b.allows(Access::write);
  const bool executable = a.allows(Access::execute) || b.allows(Access::execute);
  const bool readable = a.allows(Access::read) || b.allows(Access::read);
  if (writable) return executable ? Permissions::read_write_execute() : Permissions::read_write();
  if (executable) return readable ? Permissions::read_execute() : Permissions::execute_only();
  return Permissions::read_only();
}

/// 2 MiB blocks set aside for an operation, linked through Frame::second.
class MegapageReservation {
 public:
  MegapageReservation() = default;
  MegapageReservation(const MegapageReservation&) = delete;
  MegapageReservation& operator=(const MegapageReservation&) = delete;
  ~MegapageReservation() {
    while (left_ != 0) frames().free(take(), Order::megapage);
  }
  [[nodiscard]] bool add() {
    auto block = frames().allocate(FrameState::user, Zero::yes, Order::megapage);
    if (!block) return false;
    frames().record(*block).second = head_;
    head_ = frames().number_of(*block);
    ++left_;
    return true;
  }
  [[nodiscard]] Ppn take() {
    Ppn ppn = frames().ppn_of(head_);
    head_ = frames().record(ppn).second;
    --left_;
    return ppn;
  }
  [[nodiscard]] u64 left() const { return left_; }

 private:
  u32 head_ = no_frame;
  u64 left_ = 0;
};

}  // namespace

// exec.

lib::Result<void> AddressSpace::map_segment(VirtAddr begin, u64 bytes, Permissions permissions) {
  if (bytes == 0) return {};
  if (begin.value() >= limit_ || bytes > limit_ - begin.value()) {
    return lib::fail(lib::Error::invalid_argument);
  }
  VirtAddr first = begin.floor().address();
  const VirtAddr end = (begin + bytes).ceil().address();
  if (!regions_.has_room(3)) return lib::fail(lib::Error::too_big);
  if (regions_.any_in(first, end)) {
    // Segments need not begin on a page of their own: one page may be the end of the last and the start of this one.
    Region* neighbour = regions_.find(first);
    if (neighbour == nullptr || neighbour->kind != RegionKind::segment || neighbour->end != first + sv39::page_size ||
        regions_.any_in(neighbour->end, end)) {
      return lib::fail(lib::Error::invalid_argument);
    }
    const VirtAddr shared = first;
    first = first + sv39::page_size;
    if (first < end) LIB_TRY(add_segment(first, end, permissions));
    share_page(shared, permissions);
  } else {
    LIB_TRY(add_segment(first, end, permissions));
  }
  if (begin.value() + bytes > break_) break_ = begin.value() + bytes;
  return {};
}

lib::Result<void> AddressSpace::add_segment(VirtAddr begin, VirtAddr end, Permissions permissions) {
  return populate_region(
      regions_.insert(Region{.begin = begin, .end = end, .kind = RegionKind::segment, .permissions = permissions}));
}

/// The last page of a segment gets the rights of a second segment in addition. Cannot fail; there is room.
void AddressSpace::share_page(VirtAddr page, Permissions permissions) {
  u32 index = regions_.first_above(page);
  if (regions_[index].begin < page) index = regions_.cut(index, page);
  Region& region = regions_[index];
  region.permissions = both(region.permissions, permissions);
  TableSource tables(spares_);
  SpaceTlb tlb{view_};
  UserFrameSink sink;
  Batch batch(tlb, sink);
  Cursor cursor = this->cursor();
  cursor.protect(VirtRange::pages(page.floor(), 1), region.permissions.user(), tables, batch);
}

std::span<std::byte> AddressSpace::loaded_bytes(VirtAddr va) {
  if (va.value() >= limit_ || regions_.find(va) == nullptr) return {};
  Cursor cursor = this->cursor();
  sv39::Mapping mapping = cursor.query(va);
  if (!mapping.is_mapped() || !mapping.pte.is_user()) return {};
  auto* bytes = static_cast<std::byte*>(arch::to_kernel(mapping.pte.ppn().address()));
  const u64 offset = va.offset_in(mapping.level);
  return {bytes + offset, sv39::page_size - va.page_offset()};
}

lib::Result<VirtAddr> AddressSpace::map_stack(u32 guard_pages, u32 stack_pages) {
  const VirtAddr guard = VirtAddr(break_).ceil().address();
  const VirtAddr stack = guard + guard_pages * sv39::page_size;
  const VirtAddr top = stack + stack_pages * sv39::page_size;
  if (top.value() > limit_ || regions_.any_in(guard, top)) return lib::fail(lib::Error::invalid_argument);
  if (!regions_.has_room(2)) return lib::fail(lib::Error::too_big);

  const VirtRange whole = *VirtRange::between(guard, top);
  TableSource tables(spares_);
  FrameReservation pages;
  Cursor cursor = this->cursor();
  if (!cursor.want_tables(whole, Level::base, tables) || !tables.reserve()) {
    return lib::fail(lib::Error::no_memory);
  }
  LIB_TRY(pages.add(stack_pages, FrameState::user, Zero::yes));
  cursor.link_tables(whole, Level::base, tables);
  note_tables(guard, top);
  // A leaf without U, and without R and W: neither the program nor a copy by the kernel can get through it.
  for (VirtAddr va = guard; va < stack; va = va + sv39::page_size) {
    cursor.put(va, Pte::leaf(kernel_space().guard_frame(), Permissions::execute_only()));
  }
  map_reserved(cursor, *VirtRange::between(stack, top), Permissions::read_write(), pages);

  if (guard < stack) {
    Region below{.begin = guard, .end = stack, .kind = RegionKind::guard, .inaccessible = true};
    below.note_populated(guard, stack);
    regions_.insert(below);
  }
  Region region{.begin = stack, .end = top, .kind = RegionKind::stack, .permissions = Permissions::read_write()};
  region.note_populated(stack, top);
  regions_.insert(region);
  break_ = top.value();
  return top;
}

// sbrk.

// The common requests, of a page or a few, are each written out where sbrk makes them; what is rare calls them from
// afar.

[[gnu::always_inline]] inline lib::Result<u64> AddressSpace::grow_at_once(u64 bytes, Growth growth) {
  const u64 old = break_;
  const u32 mappings = first_mapping();
  const u64 limit = mappings < regions_.size() ? regions_[mappings].begin.value() : limit_;
  if (bytes > limit - old) return lib::fail(lib::Error::no_memory);
  const VirtAddr begin = page_up(old);
  const VirtAddr end = page_up(old + bytes);
  if (begin < end) {
    Region* heap = heap_below(begin, mappings);
    if (heap == nullptr && !regions_.has_room(1)) return lib::fail(lib::Error::no_memory);
    bool populated = false;
    if (growth != Growth::lazy) {
      populated = grow_single_page(begin, end) || grow_eager(begin, end);
      const bool may_be_lazy = growth == Growth::eager_if_it_fits && bytes >= large_request;
      if (!populated && !may_be_lazy) return lib::fail(lib::Error::no_memory);
    }
    if (heap == nullptr) {
      heap = &regions_.insert(
          Region{.begin = begin, .end = end, .kind = RegionKind::heap, .permissions = Permissions::read_write()});
    }
    heap->end = end;
    if (populated) {
      heap->note_populated(begin, end);
      if (begin.align_down(Level::mega) != end.align_down(Level::mega)) promote_heap(*heap, begin, end);
    }
  }
  break_ = old + bytes;
  return old;
}

[[gnu::always_inline]] inline void AddressSpace::shrink_here(u64 bytes) {
  const VirtAddr begin = page_up(break_ - bytes);
  const VirtAddr end = page_up(break_);
  break_ -= bytes;
  if (begin >= end) return;
  Region* heap = heap_below(end, first_mapping());
  if (heap == nullptr || heap->begin > begin) {
    erase_range(begin, end);
    return;
  }
  unmap_region_part(*heap, begin, end);
  if (heap->begin == begin) {
    regions_.erase(static_cast<u32>(heap - regions_.begin()));
    return;
  }
  heap->end = begin;
  if (heap->populated_end > begin) {
    heap->populated_end = begin;
    if (heap->populated_begin >= begin) heap->populated_begin = heap->populated_end = VirtAddr();
  }
}

void AddressSpace::shrink(u64 bytes) { shrink_here(bytes); }

[[gnu::noinline]] void AddressSpace::undo_growth(u64 bytes) { shrink_here(bytes); }

lib::Result<u64> AddressSpace::grow(u64 bytes, Growth growth) {
  if (bytes > part_bytes && growth != Growth::lazy) [[unlikely]]
    return grow_by_parts(bytes, growth);
  return grow_at_once(bytes, growth);
}

[[gnu::noinline]] lib::Result<u64> AddressSpace::grow_part(u64 bytes, Growth growth) {
  return grow_at_once(bytes, growth);
}

/// Much memory at once: in parts, all of which go back if one fails. A part ends between two megapages.
[[gnu::noinline]] lib::Result<u64> AddressSpace::grow_by_parts(u64 bytes, Growth growth) {
  const u64 old = break_;
  const u64 end = old + bytes;
  const VirtAddr limit = lowest_mapping();
  if (limit.value() < old || bytes > limit.value() - old) return lib::fail(lib::Error::no_memory);
  bool grown = page_up(old) == page_up(end) || has_room_for(page_up(old), page_up(end));
  while (grown && break_ < end) {
    grown = grow_part(end_of_part(VirtAddr(break_), VirtAddr(end)) - VirtAddr(break_), Growth::eager).has_value();
    sched::give_way();
  }
  if (grown) return old;
  undo_growth(break_ - old);
  if (growth == Growth::eager || bytes < large_request) return lib::fail(lib::Error::no_memory);
  return grow_part(bytes, Growth::lazy);
}

/// The heap region if it ends at `end`, or null: the last region below the mappings, of which `mappings` is the first.
Region* AddressSpace::heap_below(VirtAddr end, u32 mappings) {
  if (mappings == 0) return nullptr;
  Region& last = regions_[mappings - 1];
  return last.kind == RegionKind::heap && last.end == end ? &last : nullptr;
}

/// Where [begin, end) completed 2 MiB of the heap, they may have become fit for a megapage.
[[gnu::noinline]] void AddressSpace::promote_heap(const Region& heap, VirtAddr begin, VirtAddr end) {
  constexpr u64 mega = sv39::bytes_of(Level::mega);
  for (VirtAddr next = begin.align_down(Level::mega) + mega; next <= end; next = next + mega) {
    promote_if_full(heap, VirtAddr(next.value() - sv39::page_size));
  }
}

/// Memory for [begin, end) at once; false: there was not enough, and nothing has changed. A 2 MiB part that is aligned
/// and wholly new becomes a megapage if a block is free; its deposit is the table that base pages would have needed, so
/// that both cost the same.
[[gnu::noinline]] bool AddressSpace::grow_eager(VirtAddr begin, VirtAddr end) {
  const VirtRange range = *VirtRange::between(begin, end);
  const u64 page_count = range.page_count();
  if (frames().has_too_few(page_count)) {
    keep_last_frames(page_count);
    return false;
  }
  TableSource tables(spares_);
  Cursor cursor = this->cursor();
  if (!cursor.want_tables(range, Level::base, tables)) lib::bug("memory above the break is mapped");
  const u64 tables_wanted = tables.wanted();
  MegapageReservation megapages;
  FrameReservation pages;
  bool reserved = !frames().has_too_few(page_count + tables.missing()) && tables.reserve();
  if (reserved) {
    for (VirtAddr va = begin.floor().address(); va < end;
         va = va.align_down(Level::mega) + sv39::bytes_of(Level::mega)) {
      if (!va.is_aligned(Level::mega) || end - va < sv39::bytes_of(Level::mega)) continue;
      if (!cursor.can_put_megapage(va) || !megapages.add()) break;
    }
    const u64 covered = megapages.left() * sv39::pages_of(Level::mega);
    reserved = pages.add(page_count - covered, FrameState::user, Zero::yes).has_value();
  }
  if (!reserved) {
    tables.release();
    if (page_count == 1) keep_last_frames(tables_wanted + 1);
    return false;
  }

  note_tables(begin, end);
  SpaceTlb tlb{view_};
  UserFrameSink sink;
  Batch batch(tlb, sink);
  const Permissions rights = Permissions::read_write().user();
  for (VirtAddr va = begin; va < end;) {
    const VirtAddr slot_end = va.align_down(Level::mega) + sv39::bytes_of(Level::mega);
    const VirtRange part = *VirtRange::between(va, slot_end < end ? slot_end : end);
    if (megapages.left() != 0 && part.bytes() == sv39::bytes_of(Level::mega)) {
      cursor.link_tables(part, Level::mega, tables);
      cursor.put_megapage(va, Pte::leaf(megapages.take(), rights, Level::mega), tables, batch);
      count(VmEvent::superpage_mapped);
    } else {
      cursor.link_tables(part, Level::base, tables);
      map_reserved(cursor, part, Permissions::read_write(), pages);
    }
    va = part.end();
  }
  return true;
}

/// One page where the tables are there already, the commonest request. False: it is not so simple.
[[gnu::always_inline]] inline bool AddressSpace::grow_single_page(VirtAddr page, VirtAddr end) {
  if (end - page != sv39::page_size) return false;
  const sv39::Slot slot = Cursor::walk(TableMemory{}, root_, page);
  if (slot.level != Level::base) return false;
  auto frame = frames().allocate(FrameState::user, Zero::yes);
  if (!frame) return false;
  store(slot, Pte::leaf(*frame, Permissions::read_write().user()));
  fence(page);
  return true;
}

/// Memory is exhausted but for fewer frames than the page and its tables need: the space keeps them for the tables of
/// a later attempt. So a program that takes pages until it fails has taken all (xv6 keeps the table it made too).
void AddressSpace::keep_last_frames(u64 wanted) {
  constexpr u64 most_tables = 4;
  if (wanted > most_tables + 1) return;
  while (spares_.left() < most_tables && frames().has_too_few(wanted)) {
    if (!spares_.add_one(FrameState::table, Zero::yes)) return;
  }
}

}  // namespace mm
