// SPDX-License-Identifier: MIT
#pragma once
// The one walker. A cursor reads and changes the tree under one root; it remembers the nodes on the path of the last
// address, so that going through a range descends from the root once and not once a page (xv6: walk, for each page).
//
// Every walk meets a leaf at every level. What may run out of memory is split in two: want/reserve, which may fail and
// changes nothing, and the change itself, which cannot.

#include "sv39/concepts.hpp"
#include "sv39/tlb_batch.hpp"

namespace sv39 {

/// Where a walk ended: the entry at `index` of `node`, which is a leaf or invalid (or any entry, when the walk was
/// told to stop at a level).
struct Slot {
  PageTable* node = nullptr;
  Ppn node_ppn;
  unsigned index = 0;
  Level level = root_level;
  Pte pte;
};

/// What is known about one address: the leaf or the hole around it.
struct Mapping {
  VirtAddr begin;  ///< first address that the entry translates
  Level level = root_level;
  Pte pte;  ///< invalid: nothing is mapped in [begin, begin + bytes())
  [[nodiscard]] constexpr bool is_mapped() const { return pte.is_leaf(); }
  [[nodiscard]] constexpr u64 bytes() const { return bytes_of(level); }
};

/// Asks a source for tables, for each but once: addresses come in ascending order, and neighbours share tables.
template <FrameSource Frames>
class Wants {
 public:
  explicit Wants(Frames& frames) : frames_(frames) {}

  /// The table at `level` that serves `va`.
  void table(Level level, VirtAddr va) {
    const u64 place = va.value() >> shift_of(above(level));
    u64& last = last_[static_cast<unsigned>(level)];
    if (place == last) return;
    last = place;
    frames_.want(level, va.align_down(above(level)));
  }
  /// All that are missing from the node where a walk to `va` ended down to the one for leaves of size `leaf`.
  void path(VirtAddr va, Level end, Level leaf) {
    while (end != leaf) {
      end = below(end);
      table(end, va);
    }
  }

 private:
  Frames& frames_;
  u64 last_[2] = {~u64{0}, ~u64{0}};
};

/// Whether a superpage leaf may later be split, and so needs a table kept in deposit.
enum class Splitting : unsigned { never, possible };

template <PhysicalMemory Memory>
class Cursor {
 public:
  Cursor(Memory memory, Ppn root) : memory_(memory) {
    node_[2] = &memory_.table(root);
    node_ppn_[2] = root;
  }

  // Reading.

  /// The entry that decides about `va`, found at `lowest` or above (xv6: walk with alloc = 0). Canonical `va` only.
  [[nodiscard]] Slot find(VirtAddr va, Level lowest = Level::base);
  /// The same walk without a cursor, all the way down: for a single address, when there is nothing to remember.
  [[nodiscard]] static Slot walk(Memory memory, Ppn table, VirtAddr va);
  /// The leaf or hole around `va` (xv6: walkaddr, with everything it knows).
  [[nodiscard]] Mapping query(VirtAddr va);
  /// The physical address behind `va`, whatever the rights.
  [[nodiscard]] std::optional<PhysAddr> translate(VirtAddr va);
  /// The first leaf that intersects `range`, absent parts skipped by level.
  [[nodiscard]] std::optional<Mapping> next(VirtRange range);
  /// Calls visit(slot, address of its first byte) for each leaf that intersects `range`, in order. The visitor may
  /// change the entry through replace() and must not change the tree's shape.
  template <class Visitor>
  void for_each_leaf(VirtRange range, Visitor&& visit);

  /// Calls visit(slot, address of its first byte, count) for runs of entries that cover `range`: `count` neighbours of
  /// one level-0 node from slot.index on (their entries unread but the first), or one superpage or larger hole. For
  /// loops that look at every entry and are worth a few lines. The visitor may change the entries, not the tree's
  /// shape.
  template <class Visitor>
  void for_each_run(VirtRange range, Visitor&& visit);

  // Changing single entries, tables being there.

  /// Writes an entry found before; the caller owes the fence.
  void replace(const Slot& slot, Pte pte) { memory_.write(*slot.node, slot.index, pte); }

  /// Puts a base-page leaf into the empty slot of `va`; the level-0 table must be there (link_tables).
  void put(VirtAddr va, Pte leaf);
  /// Puts leaf(i) into the empty slot of each page i of `range`; the level-0 tables must be there.
  template <class Leaf>
  void put_all(VirtRange range, Leaf&& leaf);

  /// Whether a megapage can be put at `va` (aligned): there is no level-0 table, or an empty one.
  [[nodiscard]] bool can_put_megapage(VirtAddr va);
  /// Puts a megapage leaf at `va`. An empty level-0 table there becomes the deposit, else one is taken from `frames`.
  template <FrameSource Frames, class Batch>
  void put_megapage(VirtAddr va, Pte leaf, Frames& frames, Batch& batch);

  // Tables: first want, then frames.reserve(), then link.

  /// Wants the tables that are missing so that leaves of size `leaf` can be put anywhere in `range`. Fails with
  /// already_mapped if a larger leaf is in the way.
  template <FrameSource Frames>
  [[nodiscard]] std::expected<void, Error> want_tables(VirtRange range, Level leaf, Frames& frames);
  /// Links the tables wanted before; cannot fail.
  template <FrameSource Frames>
  void link_tables(VirtRange range, Level leaf, Frames& frames);

  // Ranges.

  /// Maps `range` to the frames from `first` on, all or nothing, with leaves up to `largest` wherever virtual and
  /// physical address are aligned (xv6: mappages, kvmmap). No fence: the caller owes one (TlbBatch::changed).
  template <FrameSource Frames>
  [[nodiscard]] std::expected<void, Error> map(VirtRange range, Ppn first, Permissions permissions, Frames& frames,
                                               Level largest = Level::base, Splitting splitting = Splitting::possible);

  /// Clears every leaf in `range`, holes allowed, and hands the frames to the batch (xv6: uvmunmap). A superpage that
  /// sticks out is split, which cannot fail. Tables stay.
  template <FrameSource Frames, class Batch>
  void unmap(VirtRange range, Frames& frames, Batch& batch);

  /// Gives every leaf in `range` other rights, holes allowed; splits superpages that stick out (xv6: uvmclear).
  template <FrameSource Frames, class Batch>
  void protect(VirtRange range, Permissions permissions, Frames& frames, Batch& batch);

  /// Replaces the megapage leaf that covers `va` by a table of 512 base-page leaves, using its deposit. Nothing
  /// happens where no megapage is.
  template <FrameSource Frames, class Batch>
  void split(VirtAddr va, Frames& frames, Batch& batch);

  /// The opposite: if the 512 leaves around `va` are there, contiguous, aligned and of equal rights, one megapage
  /// replaces them and the table goes into deposit. Says whether it happened.
  template <FrameSource Frames, class Batch>
  bool promote(VirtAddr va, Frames& frames, Batch& batch);

  /// Frees the tables below the root that serve only `range`'s part of the tree; all their leaves must be gone (xv6:
  /// freewalk). Goes only through the indices that `range` touches. Returns the first leaf found in the way, which
  /// stays with its tables, or nothing.
  template <FrameSource Frames>
  std::optional<Mapping> free_tables(VirtRange range, Frames& frames);

 private:
  static constexpr u64 no_tag = ~u64{0};
  static constexpr unsigned depth(Level level) { return static_cast<unsigned>(level); }

  void enter(Level level, Ppn ppn, VirtAddr va);
  void forget();
  template <FrameSource Frames>
  void link_down_to(VirtAddr va, Level node, Frames& frames);
  template <class Visitor>
  void for_each_slot(VirtRange range, Visitor&& visit);
  Level chunk_level(VirtAddr va, Ppn ppn, u64 pages, Level largest);
  template <FrameSource Frames, class Batch>
  void split_slot(const Slot& slot, VirtAddr begin, Frames& frames, Batch& batch);
  template <FrameSource Frames, class Batch>
  void split_edges(VirtRange range, Frames& frames, Batch& batch);
  template <FrameSource Frames>
  std::optional<Mapping> free_below(PageTable& node, Level level, VirtAddr first, VirtAddr last, Frames& frames);

  [[no_unique_address]] Memory memory_;
  PageTable* node_[3] = {};
  Ppn node_ppn_[3];
  /// Which gigabyte the remembered level-1 node serves, and which 2 MiB the level-0 node.
  u64 tag_[2] = {no_tag, no_tag};
};

}  // namespace sv39

#include "sv39/cursor_impl.hpp"
