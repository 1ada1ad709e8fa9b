// SPDX-License-Identifier: MIT
#pragma once
// What connects sv39's cursor with the kernel: table memory, table frames, fences, and where unmapped frames go.

#include "mm/frame_reservation.hpp"
#include "mm/view.hpp"
#include "sv39/cursor.hpp"

namespace mm {

/// sv39::PhysicalMemory over the direct map. write() is the only place where a user page table changes.
struct TableMemory {
  [[nodiscard]] sv39::PageTable& table(Ppn ppn) const { return *static_cast<sv39::PageTable*>(frame_bytes(ppn)); }
  void write(sv39::PageTable& node, unsigned index, sv39::Pte pte) const {
    node.store(index, pte);
    arch::note_table_store();
    View::entry_changed(node, index, pte);
  }
  [[nodiscard]] std::optional<u64> read(PhysAddr address) const {
    if (!frames().contains(address.floor())) return std::nullopt;
    return *static_cast<const u64*>(arch::to_kernel(address));
  }
};

using Cursor = sv39::Cursor<TableMemory>;

/// So many entries of a root, from the first on, serve programs.
inline constexpr unsigned user_entries = sv39::entries_per_table / 2;

/// sv39::FrameSource for user tables: twins included where the view wants them. One per operation, on the stack;
/// what was reserved and not taken goes back. `spares` are table frames that the space holds already; they go first.
class TableSource {
 public:
  /// Regions account for every leaf; debug builds look all the same.
  static constexpr bool leaves_are_gone = !BIFOLIUM_DEBUG;

  explicit TableSource(FrameReservation& spares) : spares_(spares) {}
  TableSource(const TableSource&) = delete;
  TableSource& operator=(const TableSource&) = delete;

  void want(Level level, VirtAddr va) { wanted_ += View::twin_limit(level, va) != 0 ? 2 : 1; }
  [[nodiscard]] std::expected<void, sv39::Error> reserve();
  /// Gives back what was reserved and not taken, before the end of the operation.
  void release() { reservation_.release(); }
  [[nodiscard]] Ppn take(Level level, VirtAddr va);
  void give_back(Ppn table);
  void deposit(Ppn upper, Ppn table);
  [[nodiscard]] Ppn withdraw(Ppn upper);
  void splitting(Ppn first);
  [[nodiscard]] u64 wanted() const { return wanted_; }
  /// How many of them reserve() will have to allocate.
  [[nodiscard]] u64 missing() const { return wanted_ > spares_.left() ? wanted_ - spares_.left() : 0; }

 private:
  [[nodiscard]] Ppn take_frame();

  u64 wanted_ = 0;
  FrameReservation& spares_;
  FrameReservation reservation_;
};

/// sv39::Tlb for one address space.
struct SpaceTlb {
  ViewState& state;
  void fence_page(VirtAddr va) { View::fence_page(state, va); }
  void fence_space() { View::fence_space(state); }
};

/// sv39::FrameSink for anonymous memory: one reference less.
struct UserFrameSink {
  void release(Ppn ppn, Level level) {
    if (level == Level::base) {
      frames().unref(ppn);
    } else {
      frames().unref_megapage(ppn);
    }
  }
};

using Batch = sv39::TlbBatch<SpaceTlb, UserFrameSink>;

/// What an operation changes a user table with: a cursor, the source of its tables, and the batch that fences what was
/// changed and then lets the frames go, at the latest at the end. Here every change of an entry brings its fence.
class TableEdit {
 public:
  TableEdit(Ppn root, FrameReservation& spares, ViewState& view)
      : cursor(TableMemory{}, root), tables(spares), tlb_{view}, batch(tlb_, sink_) {}
  TableEdit(const TableEdit&) = delete;
  TableEdit& operator=(const TableEdit&) = delete;

  /// Wants and reserves what is missing so that base pages can be put anywhere in `range`.
  [[nodiscard, gnu::always_inline]] bool reserve_tables(VirtRange range) {
    return cursor.want_tables(range, Level::base, tables) && tables.reserve();
  }
  void link_tables(VirtRange range, Level leaf = Level::base) { cursor.link_tables(range, leaf, tables); }

  /// Another entry in a slot found before, `va` being an address that it translates.
  void replace(const sv39::Slot& slot, VirtAddr va, sv39::Pte pte) {
    cursor.replace(slot, pte);
    batch.changed(va);
  }
  /// A base page; its table must be there.
  void put(VirtAddr va, sv39::Pte leaf) {
    cursor.put(va, leaf);
    batch.changed(va);
  }
  /// leaf(i) for each page i of `range`; the tables must be there (xv6: mappages, for user pages).
  template <class Leaf>
  void put_all(VirtRange range, Leaf&& leaf) {
    cursor.put_all(range, leaf);
    batch.changed(range.begin(), range.page_count());
  }
  void put_megapage(VirtAddr va, sv39::Pte leaf) { cursor.put_megapage(va, leaf, tables, batch); }
  void unmap(VirtRange range) { cursor.unmap(range, tables, batch); }
  void protect(VirtRange range, sv39::Permissions permissions) { cursor.protect(range, permissions, tables, batch); }
  void split(VirtAddr va) { cursor.split(va, tables, batch); }
  [[nodiscard]] bool promote(VirtAddr va) { return cursor.promote(va, tables, batch); }

  Cursor cursor;
  TableSource tables;

 private:
  SpaceTlb tlb_;
  [[no_unique_address]] UserFrameSink sink_;

 public:
  Batch batch;
};

}  // namespace mm
