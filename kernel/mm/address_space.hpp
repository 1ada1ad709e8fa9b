// SPDX-License-Identifier: MIT
#pragma once
// The memory of one program: ordered regions and one page table (xv6: p->pagetable, p->sz and the uvm* functions).
//
// An address space is changed only by its own process, or before that runs, or after it has ended; so it needs no lock.
// Nothing here knows who is running: the space is always `this`. Every operation that can fail reserves first what it
// needs and then commits what cannot fail.

#include <span>
#include <string_view>

#include "abi/layout.hpp"
#include "lib/intrusive_list.hpp"
#include "mm/region.hpp"
#include "mm/tables.hpp"
#include "mm/user_copy.hpp"
#include "mm/view.hpp"
#include "sched/thread.hpp"

namespace mm {

enum class Growth : u32 {
  eager,  ///< memory now, or failure
  lazy,  ///< addresses now, memory at first touch
  eager_if_it_fits,  ///< memory now; a large request (from 16 MiB on) that does not fit gets addresses only
};

enum class FaultResult : u32 {
  resolved,  ///< go on with the instruction
  refused,  ///< the program has no such right: kill it
  no_memory,  ///< it has, but memory ran out: kill it
};

/// How vmprint writes a line.
enum class TableFormat : u32 {
  by_index,  ///< `..0: pte 0x... pa 0x...`
  by_address,  ///< ` ..0x0000000000000000: pte 0x... pa 0x...`
};

/// Takes finished pieces of text.
struct TextSink {
  void (*put)(void* context, std::string_view text);
  void* context;
  /// Null, or whether it wants no more: then the rest need not be made.
  bool (*is_full)(void* context) = nullptr;

  [[nodiscard]] bool wants_more() const { return is_full == nullptr || !is_full(context); }
};

/// What the page table costs, and what a flat one would (the notes' question why three levels save memory).
struct TableFigures {
  u64 resident_pages;  ///< base pages mapped; a megapage counts 512
  u64 megapages;
  u64 table_frames;  ///< frames in tables and deposits
  u64 flat_frames;  ///< frames of a one-level table for the same 2^38 bytes
};

class AddressSpace final : public sched::Space {
 public:
  /// An empty space with TRAMPOLINE, TRAPFRAME and USYSCALL mapped (xv6: proc_pagetable). Fails with no_memory.
  [[nodiscard]] static lib::Result<AddressSpace*> create(const SpaceOwner& owner);

  /// Ends it: unmaps and frees everything, writes shared file pages back (may sleep) (xv6: proc_freepagetable,
  /// uvmfree). No hart may be running on it.
  static void destroy(AddressSpace* space);

  /// Gives back the pages, but not yet the tables, of a program that will never run again. Its own thread may call it:
  /// nothing reads user memory through this table any more, and before the ASID serves others it is fenced. So what
  /// a zombie keeps until its parent comes is a few tables, and memory that ran out is there again at once. May sleep.
  void release_memory();

  /// A copy for a child: shared copy-on-write, file and shared regions as such (xv6: uvmcopy). No memory is copied.
  [[nodiscard]] lib::Result<AddressSpace*> fork(const SpaceOwner& owner);

  // Building a program (exec, on a space that does not run yet).

  /// Zero-filled memory for a segment [begin, begin + bytes), page-rounded outwards. A page shared with the segment
  /// mapped before gets the rights of both. invalid_argument when it leaves [0, program limit) or overlaps.
  [[nodiscard]] lib::Result<void> map_segment(VirtAddr begin, u64 bytes, Permissions permissions);

  /// The kernel's view of the program's bytes from `va` to the end of its page, whatever its rights; empty if not
  /// mapped.
  [[nodiscard]] std::span<std::byte> loaded_bytes(VirtAddr va);

  /// Guard pages and above them stack pages, at the end of what is mapped so far; the break comes above (xv6: exec,
  /// uvmclear). Returns the top of the stack.
  [[nodiscard]] lib::Result<VirtAddr> map_stack(u32 guard_pages, u32 stack_pages);

  // sbrk, mmap, munmap.

  /// First address above the program's memory (xv6: p->sz).
  [[nodiscard]] u64 program_break() const { return break_; }
  /// Moves the break up by `bytes` and returns the old one (xv6: growproc). no_memory, also where a mapping or the end
  /// of what programs may have is in the way.
  [[nodiscard]] lib::Result<u64> grow(u64 bytes, Growth growth);
  /// Brings the break down by `bytes`, at most to 0: past stack and segments if it must. Cannot fail. Not for more than
  /// lies below the break.
  void shrink(u64 bytes);

  /// A new region of `bytes`, rounded up to pages, placed by the kernel; pages come at first touch.
  [[nodiscard]] lib::Result<VirtAddr> map_anonymous(u64 bytes, Permissions permissions, Sharing sharing);
  /// The same over a file from byte `offset` (page-aligned) on; holds the backing.
  [[nodiscard]] lib::Result<VirtAddr> map_file(u64 bytes, Permissions permissions, Sharing sharing,
                                               FileBacking& backing, u64 offset);
  /// A region of which every access is refused (PROT_NONE).
  [[nodiscard]] lib::Result<VirtAddr> map_inaccessible(u64 bytes);
  /// Ends the mmap regions, or parts of them, in the page-aligned range. May sleep (write-back). invalid_argument when
  /// unaligned, empty, not wholly user, touching a region that is not mmap's, or touching none at all.
  /// io and other errors of the file system: stores to a file's pages could not be written back, and nothing has ended.
  [[nodiscard]] lib::Result<void> unmap(VirtAddr begin, u64 bytes);

  // Faults.

  /// Resolves a program's page fault. May sleep (file pages): not under a spin lock.
  [[nodiscard]] FaultResult fault(VirtAddr va, Access access);

  /// After needs_page_in: brings the page at `va`. May sleep.
  [[nodiscard]] lib::Result<void> page_in(VirtAddr va, Access access);

  // Copies (xv6: copyin, copyout, copyinstr). Only regions count, never USYSCALL, TRAPFRAME, TRAMPOLINE or a guard.
  // They never sleep; anonymous pages are made present on the way. All bytes before `copied` have been copied.

  /// Whether all of [va, va + bytes) lies where programs may have memory at all. Above are only USYSCALL, TRAPFRAME and
  /// TRAMPOLINE, which no copy may touch; below, the page table itself permits nothing but what regions permit.
  [[nodiscard]] bool is_reachable(VirtAddr va, usize bytes) const {
    return va.value() <= limit_ && bytes <= limit_ - va.value();
  }
  [[nodiscard]] CopyResult copy_in(void* to, VirtAddr from, usize bytes);
  [[nodiscard]] CopyResult copy_out(VirtAddr to, const void* from, usize bytes);
  /// Copies up to and including the NUL, at most `limit` bytes.
  [[nodiscard]] CopyResult copy_in_string(char* to, VirtAddr from, usize limit);

  template <class T>
  [[nodiscard]] CopyResult copy_in(T& to, UserPtr<T> from) {
    return copy_in(&to, from.address(), sizeof(T));
  }
  template <class T>
  [[nodiscard]] CopyResult copy_out(UserPtr<T> to, const T& from) {
    return copy_out(to.address(), &from, sizeof(T));
  }

  // Looking.

  /// The leaf that decides about `va` as the program sees it: W on copy-on-write pages; invalid for holes and
  /// addresses outside (pgpte).
  [[nodiscard]] Pte logical_pte(VirtAddr va);
  /// Bit i: page i from `base` on was accessed since the last call; clears A (pgaccess). At most 64 pages.
  [[nodiscard]] u64 take_accessed(VirtAddr base, u32 pages);
  /// Writes the page table (xv6: vmprint, kpgtbl).
  void print(TableFormat format, TextSink sink);
  [[nodiscard]] TableFigures figures();
  [[nodiscard]] const RegionList& regions() const { return regions_; }
  [[nodiscard]] Ppn root() const { return root_; }
  [[nodiscard]] Ppn kernel_root() const;
  [[nodiscard]] const SpaceOwner& owner() const { return owner_; }
  /// Names the owner in reports of the checker.
  i32 pid = 0;
  lib::ListLink<AddressSpace> all_link;  ///< in the list of all spaces, see space_list.hpp

  // Running.

  /// sched: puts this hart on the space's table. See KernelView.
  [[nodiscard]] u64 switch_in() override;
  /// Runs the calling hart on this space from now on (exec's commit), as a switch to it would.
  void activate();
  /// For views that switch tables in the trampoline: satp for user mode and for the kernel on entry.
  [[nodiscard]] u64 user_satp() const;
  [[nodiscard]] u64 kernel_satp() const;
  /// The program's code was written by the kernel: every hart owes a fence.i before it runs it.
  void code_changed();

  /// Where the user memory of a space ends that has a USYSCALL page.
  static constexpr u64 user_limit = abi::usyscall;
  /// Where this one's ends: neither sbrk nor mmap reaches above.
  [[nodiscard]] u64 limit() const { return limit_; }

 private:
  friend class Checker;
  friend class ForkOperation;
  friend class TablePrinter;
  AddressSpace() {}
  ~AddressSpace() = default;

  /// Work on more than this is cut into parts, between which others may run (sched::give_way): a part takes
  /// about a millisecond. Between two of them the space is as the region list says, and the invariants hold.
  static constexpr u64 part_bytes = u64{4} << 20;

  enum class Resolution : u32 { resolved, refused, no_memory, needs_page_in };

  /// File pages that are out of the table and not yet released.
  struct ReleasedPages {
    static constexpr u32 capacity = 32;
    static constexpr u64 batch_bytes = capacity * sv39::page_size;
    u64 index[capacity];  ///< in the file
    u32 count = 0;
  };

  [[nodiscard]] lib::Result<void> map_fixed_pages();
  void unmap_fixed_pages();
  void drop_pages(Region& region, VirtAddr begin, VirtAddr end, Cursor& cursor, TableSource& tables);
  [[nodiscard]] Cursor cursor() { return Cursor(TableMemory{}, root_); }

  [[nodiscard]] lib::Result<void> populate(VirtAddr begin, VirtAddr end, Permissions permissions);
  [[nodiscard]] lib::Result<void> populate_region(Region& region);
  [[nodiscard]] static VirtAddr end_of_part(VirtAddr begin, VirtAddr end);
  [[nodiscard]] bool has_room_for(VirtAddr begin, VirtAddr end);
  void map_reserved(Cursor& cursor, VirtRange range, Permissions permissions, FrameReservation& pages);
  void note_tables(VirtAddr begin, VirtAddr end);
  void unmap_region_part(Region& region, VirtAddr begin, VirtAddr end);
  void unmap_by_parts(Region& region, VirtAddr begin, VirtAddr end);
  void unmap_pages(Region& region, VirtAddr begin, VirtAddr end);
  [[nodiscard]] bool unmap_single_page(const Region& region, VirtAddr page);
  void unmap_file_pages(Region& region, VirtAddr begin, VirtAddr end);
  void clear_file_pages(const Region& region, VirtRange range, ReleasedPages& released);
  template <class Visitor>
  bool any_file_page(VirtAddr begin, VirtAddr end, Visitor&& visit);
  [[nodiscard]] lib::Result<void> write_back(VirtAddr begin, VirtAddr end);
  void erase_range(VirtAddr begin, VirtAddr end);
  [[nodiscard]] u32 first_mapping() const;
  [[nodiscard]] VirtAddr lowest_mapping() const;

  [[nodiscard]] inline lib::Result<u64> grow_at_once(u64 bytes, Growth growth);
  [[nodiscard]] lib::Result<u64> grow_part(u64 bytes, Growth growth);
  inline void shrink_here(u64 bytes);
  void undo_growth(u64 bytes);
  [[nodiscard]] lib::Result<u64> grow_by_parts(u64 bytes, Growth growth);
  [[nodiscard]] lib::Result<void> add_segment(VirtAddr begin, VirtAddr end, Permissions permissions);
  void share_page(VirtAddr page, Permissions permissions);
  [[nodiscard]] bool grow_eager(VirtAddr begin, VirtAddr end);
  void keep_last_frames(u64 wanted);
  [[nodiscard]] inline bool grow_single_page(VirtAddr page, VirtAddr end);
  [[nodiscard]] Region* heap_below(VirtAddr end, u32 mappings);

  [[nodiscard]] lib::Result<VirtAddr> place(u64 bytes) const;
  [[nodiscard]] lib::Result<VirtAddr> add_mapping(u64 bytes, Region region);

  enum class Sleep : u32 { allowed, forbidden };
  [[nodiscard]] Resolution resolve(VirtAddr va, Access access, Sleep sleep);
  [[nodiscard]] Resolution resolve_present(Region& region, sv39::Slot slot, VirtAddr page, Access access, Sleep sleep);
  [[nodiscard]] Resolution break_sharing(Region& region, sv39::Slot slot, VirtAddr page, Sleep sleep);
  [[nodiscard]] Resolution copy_page_for(Region& region, sv39::Slot slot, VirtAddr page);
  [[nodiscard]] Resolution demand_zero(Region& region, sv39::Slot slot, VirtAddr page);
  void populate_ahead(Region& region, sv39::Slot slot, VirtAddr page);
  [[nodiscard]] Resolution demand_zero_and_tables(Region& region, VirtAddr page);
  [[nodiscard]] Resolution map_file_page(Region& region, VirtAddr page, Access access, Sleep sleep);
  void split_megapage(VirtAddr page);
  void promote_if_full(const Region& region, VirtAddr page);
  void promote_heap(const Region& heap, VirtAddr begin, VirtAddr end);
  [[gnu::always_inline]] void fence(VirtAddr va) { View::fence_page(view_, va); }
  static void store(const sv39::Slot& slot, Pte pte) { TableMemory{}.write(*slot.node, slot.index, pte); }
  template <typename Move>
  [[nodiscard]] CopyResult finish_copy(VirtAddr va, usize bytes, usize copied, Access access, const Move& move);
  [[nodiscard]] CopyResult finish_copy_in(void* to, VirtAddr from, usize bytes, usize copied);
  [[nodiscard]] CopyResult finish_copy_out(VirtAddr to, const void* from, usize bytes, usize copied);
  [[nodiscard]] usize reachable_part(VirtAddr va, usize bytes) const;
  [[nodiscard]] CopyStatus resolve_for_copy(VirtAddr va, Access access, VirtAddr& last, u32& repeats);

  u64 break_ = 0;
  Ppn root_;
  SpaceOwner owner_{};
  /// Tables exist only for addresses below low_tables_end_ and from high_tables_begin_ on.
  VirtAddr low_tables_end_;
  VirtAddr high_tables_begin_;
  u64 limit_ = user_limit;
  /// Harts that owe a fence.i before they run the space.
  u32 stale_code_ = 0;
  /// The last frames of an exhausted memory, see keep_last_frames().
  FrameReservation spares_;
  ViewState view_;
  RegionList regions_;
};

static_assert(sizeof(AddressSpace) <= sv39::page_size, "an address space lives in one frame");

// Nearly every copy lies where programs may have memory and finds its pages present: then one call of the view is all
// there is to do. What is not so simple goes on in a function of its own, so that the short way saves few registers and
// can be part of its caller (which took a third off the cost of a small copy).

inline CopyResult AddressSpace::copy_in(void* to, VirtAddr from, usize bytes) {
  count(VmEvent::copy_in_call);
  usize copied = 0;
  if (is_reachable(from, bytes)) [[likely]] {
    const usize missing = View::read(root_, to, from, bytes);
    if (missing == 0) [[likely]]
      return {bytes, CopyStatus::ok};
    copied = bytes - missing;
  }
  return finish_copy_in(to, from, bytes, copied);
}

inline CopyResult AddressSpace::copy_out(VirtAddr to, const void* from, usize bytes) {
  count(VmEvent::copy_out_call);
  usize copied = 0;
  if (is_reachable(to, bytes)) [[likely]] {
    const usize missing = View::write(root_, to, from, bytes);
    if (missing == 0) [[likely]]
      return {bytes, CopyStatus::ok};
    copied = bytes - missing;
  }
  return finish_copy_out(to, from, bytes, copied);
}

}  // namespace mm
