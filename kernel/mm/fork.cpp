// SPDX-License-Identifier: MIT
// fork: the child's table is built from the parent's, leaf by leaf; no memory is copied (xv6: uvmcopy).
#include "lib/bug.hpp"
#include "mm/address_space.hpp"

namespace mm {

/// Two passes over the parent's nodes: the first counts the tables that the child needs, the second shares the leaves
/// and cannot fail.
class ForkOperation {
 public:
  ForkOperation(AddressSpace& parent, AddressSpace& child)
      : parent_(parent), child_(child), from_(parent.cursor()), edit_(child.edit()), wants_(edit_.tables) {}

  [[nodiscard]] bool reserve() {
    for (const Region& region : parent_.regions_) {
      for_each_node(region, [&](const sv39::Slot& slot, VirtRange part) { want(slot, part); });
    }
    // As the child's own, where the invariant checker finds them while commit() lets others run.
    const u64 missing = edit_.tables.missing();
    return missing == 0 || child_.spares_.add(missing, FrameState::table, Zero::yes).has_value();
  }

  void commit() {
    child_.break_ = parent_.break_;
    child_.low_tables_end_ = parent_.low_tables_end_;
    child_.high_tables_begin_ = parent_.high_tables_begin_;
    // The child runs the parent's code: where that was not yet fetched anew, the child's must be.
    child_.stale_code_ = parent_.stale_code_;
    for (const Region& region : parent_.regions_) {
      child_.regions_.insert(region);
      if (region.backing != nullptr) region.backing->hold();
      for_each_node(region, [&](const sv39::Slot& slot, VirtRange part) {
        if (slot.level == Level::mega) {
          share_megapage(slot, part.begin());
        } else {
          share_pages(region, slot, part);
        }
        if (++nodes_ % nodes_in_a_part == 0) sched::give_way();
      });
    }
    // Stores through a translation that was writable until now would go past the child.
    if (weakened_) View::fence_space(parent_.view_);
  }

 private:
  /// Calls visit(slot, part) for each level-0 table and each megapage of the region: with the slot of the first entry
  /// in the table, or of the megapage, and the part of the region that it serves. Absent parts are skipped by level.
  template <class Visitor>
  void for_each_node(const Region& region, Visitor&& visit) {
    for (VirtAddr va = region.populated_begin; va < region.populated_end;) {
      const sv39::Slot slot = from_.find(va);
      const Level span = slot.level == Level::giga ? Level::giga : Level::mega;
      VirtAddr end = va.align_down(span) + sv39::bytes_of(span);
      if (end > region.populated_end) end = region.populated_end;
      if (slot.level == Level::base || slot.pte.is_leaf()) visit(slot, *VirtRange::between(va, end));
      va = end;
    }
  }

  /// The child needs a level-0 table for each of the parent's, and one in deposit for each megapage. Neighbouring
  /// regions may share a table, and the fixed pages have brought some.
  void want(const sv39::Slot&, VirtRange part) {
    const VirtAddr va = part.begin().align_down(Level::mega);
    wants_.path(va, edit_.cursor.find(va).level, Level::base);
  }

  void share_megapage(const sv39::Slot& slot, VirtAddr va) {
    const Pte shared = slot.pte.as_copy_on_write();
    if (shared != slot.pte) {
      from_.replace(slot, shared);
      weakened_ = true;
    }
    const VirtAddr begin = va.align_down(Level::mega);
    edit_.link_tables(VirtRange::pages(begin.floor(), 1), Level::mega);
    edit_.put_megapage(begin, shared);
    frames().ref_megapage(slot.pte.ppn());
    count(VmEvent::superpage_shared);
  }

  void share_pages(const Region& region, const sv39::Slot& first, VirtRange part) {
    sv39::Slot target = edit_.cursor.find(part.begin());
    if (target.level != Level::base) {
      edit_.link_tables(part);
      target = edit_.cursor.find(part.begin());
    }
    const unsigned end = first.index + static_cast<unsigned>(part.page_count());
    if (region.kind == RegionKind::file || region.sharing == Sharing::shared) {
      share_special_pages(region, first, target, end);
      return;
    }
    const TableMemory memory;
    const FrameAllocator::Records records = frames().records();
    bool weakened = false;
    for (unsigned i = first.index; i < end; ++i) {
      const Pte pte = first.node->load(i);
      if (!pte.is_valid()) continue;
      const Pte shared = pte.as_copy_on_write();
      if (shared != pte) {
        memory.write(*first.node, i, shared);
        weakened = true;
      }
      memory.write(*target.node, i, shared);
      records[pte.ppn()].refs.fetch_add(1, std::memory_order_relaxed);
    }
    weakened_ = weakened_ || weakened;
  }

  /// A file's page is found through the region when the child needs it, a private copy of one is memory like any other;
  /// and what is shared on purpose stays writable.
  void share_special_pages(const Region& region, const sv39::Slot& first, const sv39::Slot& target, unsigned end) {
    const TableMemory memory;
    for (unsigned i = first.index; i < end; ++i) {
      const Pte pte = first.node->load(i);
      if (!pte.is_valid()) continue;
      if (region.kind == RegionKind::file && frames().state(pte.ppn()) == FrameState::file) continue;
      const Pte shared = region.sharing == Sharing::shared ? pte : pte.as_copy_on_write();
      if (shared != pte) {
        memory.write(*first.node, i, shared);
        weakened_ = true;
      }
      memory.write(*target.node, i, shared);
      frames().ref(pte.ppn());
    }
  }

  AddressSpace& parent_;
  AddressSpace& child_;
  Cursor from_;
  TableEdit edit_;  ///< of the child's table, which no hart has seen: its fences cost nothing
  sv39::Wants<TableSource> wants_;
  bool weakened_ = false;
  /// Much memory is shared in parts, between which others may run; the parent does not.
  static constexpr u32 nodes_in_a_part = 64;
  u32 nodes_ = 0;
};

lib::Result<AddressSpace*> AddressSpace::fork(const SpaceOwner& owner) {
  AddressSpace* child = LIB_TRY(create(owner));
  ForkOperation operation(*this, *child);
  if (!operation.reserve()) {
    destroy(child);
    return lib::fail(lib::Error::no_memory);
  }
  operation.commit();
  return child;
}

}  // namespace mm
