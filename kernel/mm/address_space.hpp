// SPDX-License-Identifier: MIT
#pragma once
// The memory of one program: ordered regions and one page table (xv6: p->pagetable, p->sz and the uvm* functions).
//
// An address space is changed only by its own process, or before that runs, or after it has ended; so it needs no lock.
// Nothing here knows who is running: the space is always `this`. Every operation that can fail reserves first what it
// needs and then commits what cannot fail.

#include <span>

#include "abi/layout.hpp"
#include "lib/intrusive_list.hpp"
#include "mm/region.hpp"
#include "mm/space_types.hpp"
#include "mm/tables.hpp"
#include "mm/user_copy.hpp"
#include "mm/view.hpp"
#include "sched/thread.hpp"

namespace mm {

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

  // exec: building a program, on a space that does not run yet.
  /// Zero-filled memory for a segment [begin, begin + bytes), page-rounded outwards. A page shared with the segment
  /// mapped before gets the rights of both. invalid_argument when it leaves [0, program limit) or overlaps.
  [[nodiscard]] lib::Result<void> map_segment(VirtAddr begin, u64 bytes, Permissions permissions);
  /// The kernel's view of the bytes from `va` to the end of its page, whatever its rights; empty if not mapped.
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
  /// Brings the break down by `bytes` (no more than lie below it), past stack and segments if it must. Cannot fail.
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

  // Faults and copies.
  /// Resolves a program's page fault. May sleep (file pages): not under a spin lock.
  [[nodiscard]] FaultResult fault(VirtAddr va, Access access);
  /// After Error::needs_page_in: brings the page at `va`. May sleep.
  [[nodiscard]] lib::Result<void> page_in(VirtAddr va, Access access);

  /// Copies (xv6: copyin, copyout, copyinstr) of what user_copy.hpp says is the program's. They never sleep. They end
  /// with bad_address, no_memory, or needs_page_in; all bytes before that have been copied.
  [[nodiscard]] CopyResult copy_in(void* to, VirtAddr from, usize bytes) {
    const usize missing = short_copy_in(to, from, bytes);
    if (missing == 0) [[likely]]
      return {bytes, {}};
    return finish_copy_in(*this, to, from, bytes, bytes - missing);
  }
  [[nodiscard]] CopyResult copy_out(VirtAddr to, const void* from, usize bytes) {
    const usize missing = short_copy_out(to, from, bytes);
    if (missing == 0) [[likely]]
      return {bytes, {}};
    return finish_copy_out(*this, to, from, bytes, bytes - missing);
  }
  /// Their first parts (user_copy.hpp), for a caller that keeps the rest out of its way.
  [[nodiscard]] usize short_copy_in(void* to, VirtAddr from, usize bytes) {
    return mm::short_copy_in(root_, limit_, to, from, bytes);
  }
  [[nodiscard]] usize short_copy_out(VirtAddr to, const void* from, usize bytes) {
    return mm::short_copy_out(root_, limit_, to, from, bytes);
  }
  /// Copies up to and including the NUL, at most `limit` bytes: too_big when there is none among them.
  [[nodiscard]] CopyResult copy_in_string(char* to, VirtAddr from, usize limit);

  // Looking.
  /// The leaf that decides about `va` as the program sees it: W on copy-on-write pages; invalid for holes and
  /// addresses outside (pgpte).
  [[nodiscard]] Pte logical_pte(VirtAddr va);
  /// Bit i: page i from `base` on was accessed since the last call; clears A (pgaccess). At most 64 pages.
  [[nodiscard]] u64 take_accessed(VirtAddr base, u32 pages);
  [[nodiscard]] const RegionList& regions() const { return regions_; }
  [[nodiscard]] Ppn root() const { return root_; }
  [[nodiscard]] Ppn kernel_root() const;
  [[nodiscard]] const SpaceOwner& owner() const { return owner_; }
  i32 pid = 0;  ///< names the owner in reports of the checker
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
  // The operations, each in a file of its own.
  friend class Checker;
  friend class Building;
  friend class Faults;
  friend class FixedPages;
  friend class ForkOperation;
  friend class Heap;
  friend class Mappings;
  friend class Pages;
  AddressSpace() {}
  ~AddressSpace() = default;

  [[nodiscard]] Cursor cursor() { return Cursor(TableMemory{}, root_); }
  [[nodiscard]] TableEdit edit() { return TableEdit(root_, spares_, view_); }
  /// One changed entry, and its fence: what TableEdit does for an operation, for the commonest ones, which are short.
  [[gnu::always_inline]] void put(const sv39::Slot& slot, VirtAddr page, Pte pte) {
    TableMemory{}.write(*slot.node, slot.index, pte);
    View::fence_page(view_, page);
  }

  [[nodiscard]] VirtRange tables_in(VirtAddr gigabyte) const;
  void release_tables(VirtAddr gigabyte, Cursor& cursor, TableSource& tables);
  void release_low_tables(Cursor& cursor, TableSource& tables);

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

}  // namespace mm
