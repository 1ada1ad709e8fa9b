// SPDX-License-Identifier: MIT
#include "mm/check.hpp"

#include "lib/format.hpp"
#include "lib/memory.hpp"
#include "mm/kernel_space.hpp"
#include "sv39/visit.hpp"

namespace mm {

namespace {

using sv39::PageTable;

constexpr u64 rights_mask = 0x3ff;  // all bits of an entry but the frame's number

const PageTable& node_at(Ppn ppn) { return TableMemory{}.table(ppn); }

}  // namespace

/// Counts, for every frame, the references that the tables explain, and compares in the end.
class Checker {
 public:
  Checker(u16* expected, TextSink report) : expected_(expected), report_(report) {}

  u64 run(SpaceIterator spaces) {
    KernelVisitor kernel{*this};
    sv39::visit_tables(TableMemory{}, kernel_space().root(), kernel);
    while (AddressSpace* space = spaces.next(spaces.context)) check_space(*space);
    check_frames();
    return violations_;
  }

 private:
  template <class... Arguments>
  void violation(lib::FormatString<Arguments...> text, const Arguments&... arguments) {
    ++violations_;
    if (violations_ > most_reported) return;
    char buffer[160];
    report_.put(report_.context, "check: ");
    report_.put(report_.context, lib::format_to(buffer, text, arguments...));
    report_.put(report_.context, "\n");
  }

  void expect(Ppn ppn) {
    if (!frames().contains(ppn)) {
      violation("pid {}: frame {:x} is not RAM", pid_, ppn.value());
      return;
    }
    ++expected_[frames().number_of(ppn)];
  }

  /// A frame that serves as a table: owned by exactly one parent or list.
  bool expect_table(Ppn ppn, u64 va) {
    expect(ppn);
    if (frames().contains(ppn) && frames().state(ppn) == FrameState::table) return true;
    violation("pid {}: the table for {:x} in frame {:x} is no table frame", pid_, va, ppn.value());
    return false;
  }

  struct KernelVisitor {
    Checker& checker;
    bool enter(Ppn table, Level, VirtAddr begin) { return checker.expect_table(table, begin.value()); }
    bool entry(const sv39::TreeEntry& at) {
      const u64 va = at.begin.value();
      if (at.pte.is_reserved_encoding(at.level))
        checker.violation("kernel: reserved entry {:x} at {:x}", at.pte.raw(), va);
      if (at.pte.is_leaf()) {
        if (at.pte.is_user()) checker.violation("kernel: user page at {:x}", va);
        if (at.pte.allows(Access::write) && at.pte.allows(Access::execute))
          checker.violation("kernel: W and X at {:x}", va);
      }
      return true;
    }
  };

  void check_space(AddressSpace& space) {
    space_ = &space;
    pid_ = space.pid;
    sound_region_ = nullptr;
    check_regions(space);
    UserVisitor user{*this};
    sv39::visit_tables(TableMemory{}, space.root_, user, user_entries);
    check_upper_half(space);
    if constexpr (View::kind == abi::ViewKind::mirrored) check_mirror_root(space);
    space.spares_.for_each([&](Ppn ppn) { expect_table(ppn, 0); });
    expect(arch::to_phys(&space).floor());
  }

  void check_regions(const AddressSpace& space) {
    VirtAddr last(0);
    for (const Region& region : space.regions_) {
      if (region.begin < last || region.end <= region.begin) {
        violation("pid {}: regions out of order at {:x}", pid_, region.begin.value());
      }
      last = region.end;
    }
    if (last.value() > space.limit()) violation("pid {}: a region reaches {:x}", pid_, last.value());
  }

  struct UserVisitor {
    Checker& checker;
    bool enter(Ppn table, Level level, VirtAddr begin) {
      if (!checker.expect_table(table, begin.value())) return false;
      checker.check_deposits(table, level, begin.value());
      if (frames().record(table).table().twin != no_frame) checker.expect_twin(table, level, begin.value());
      return true;
    }
    // Written out in the loop: a machine full of pages is checked in 10 ms, which is 300 instructions a page.
    [[gnu::always_inline]] bool entry(const sv39::TreeEntry& at) {
      const bool reserved = at.pte.is_reserved_encoding(at.level);
      if (reserved) {
        checker.violation("pid {}: reserved entry {:x} at {:x}", checker.pid_, at.pte.raw(), at.begin.value());
      } else if (at.pte.is_leaf()) {
        checker.check_leaf(at.begin, at.level, at.pte);
      } else if (!at.pte.is_table() && at.pte.raw() != 0) {
        checker.violation("pid {}: invalid entry {:x} at {:x} is not zero", checker.pid_, at.pte.raw(),
                          at.begin.value());
      }
      if constexpr (View::kind == abi::ViewKind::mirrored) checker.check_mirror_entry(at);
      return !reserved;
    }
  };

  /// A level-1 table keeps one table in deposit for each of its megapages, all of them empty.
  void check_deposits(Ppn ppn, Level level, u64 begin) {
    u64 megapages = 0;
    if (level == Level::mega) {
      for (unsigned i = 0; i < sv39::entries_per_table; ++i) megapages += node_at(ppn).load(i).is_leaf();
    }
    u64 deposits = 0;
    for (u32 number = frames().record(ppn).table().deposit; number != no_frame; ++deposits) {
      const Ppn table = frames().ppn_of(number);
      if (!expect_table(table, begin)) break;
      if (!node_at(table).is_empty()) violation("pid {}: a table in deposit at {:x} is not empty", pid_, begin);
      if (frames().record(table).table().twin != no_frame) expect_twin(table, Level::base, begin);
      number = frames().record(table).table().deposit;
    }
    if (deposits != megapages) {
      violation("pid {}: {} tables in deposit for {} megapages at {:x}", pid_, deposits, megapages, begin);
    }
  }

  void check_leaf(VirtAddr va, Level level, Pte pte) {
    if (va.value() >= space_->limit()) {
      check_fixed_page(va, pte);
      return;
    }
    // Most leaves are like the one before.
    const bool is_neighbour = sound_region_ != nullptr && sound_region_->contains(va);
    const Region* region = is_neighbour ? sound_region_ : space_->regions_.find(va);
    const u64 bytes = sv39::bytes_of(level);
    if (region == nullptr || region->end - va < bytes) {
      violation("pid {}: page at {:x} belongs to no region", pid_, va.value());
      return;
    }
    if (va < region->populated_begin || region->populated_end - va < bytes) {
      violation("pid {}: page at {:x} lies outside what its region takes for populated", pid_, va.value());
    }
    if (region->kind == RegionKind::guard) {
      if (pte.is_user() || pte.ppn() != kernel_space().guard_frame()) {
        violation("pid {}: guard page at {:x} is {:x}", pid_, va.value(), pte.raw());
      }
      expect(pte.ppn());
      return;
    }
    const u64 rights = pte.raw() & rights_mask;
    if (region != sound_region_ || rights != sound_rights_) {
      const u64 before = violations_;
      check_rights(va, *region, pte);
      sound_region_ = violations_ == before ? region : nullptr;
      sound_rights_ = rights;
    }
    count_leaf(va, level, pte);
  }

  void check_rights(VirtAddr va, const Region& region, Pte pte) {
    if (!pte.is_user()) violation("pid {}: page at {:x} is not the program's", pid_, va.value());
    if (pte.is_global()) violation("pid {}: page at {:x} is global", pid_, va.value());
    for (Access access : {Access::read, Access::write, Access::execute}) {
      if (pte.allows(access) && !region.allows(access)) {
        violation("pid {}: page at {:x} permits more than its region: {:x}", pid_, va.value(), pte.raw());
      }
    }
    if (pte.is_copy_on_write() && pte.allows(Access::write)) {
      violation("pid {}: page at {:x} is writable and copy-on-write", pid_, va.value());
    }
  }

  void count_leaf(VirtAddr va, Level level, Pte pte) {
    if (!frames().contains(pte.ppn())) {
      violation("pid {}: page at {:x} shows {:x}, which is not RAM", pid_, va.value(), pte.ppn().value());
      return;
    }
    const FrameState state = frames().state(pte.ppn());
    if (level == Level::base && state == FrameState::user && frames().refs(pte.ppn()) == 1) [[likely]] {
      ++expected_[frames().number_of(pte.ppn())];  // a page of its own: all that follows is so
      return;
    }
    if (level == Level::mega && state != FrameState::compound) {
      for (u64 i = 0; i < sv39::pages_of(level); ++i) expect(pte.ppn() + i);
    } else {
      expect(pte.ppn());
    }
    const bool fits = level == Level::mega ? state == FrameState::compound || state == FrameState::user
                                           : state == FrameState::user || state == FrameState::file;
    if (!fits) violation("pid {}: page at {:x} shows a frame that is {}", pid_, va.value(), describe(state));
    const bool writable_alone = !pte.allows(Access::write) || state == FrameState::file ||
                                frames().refs(pte.ppn()) == 1 || space_->regions_.find(va)->sharing == Sharing::shared;
    if (!writable_alone) violation("pid {}: page at {:x} is writable and its frame shared", pid_, va.value());
  }

  void check_fixed_page(VirtAddr va, Pte pte) {  // no larger leaf could begin here
    Pte wanted;
    if (va.value() == abi::usyscall && space_->owner_.has_usyscall())
      wanted = Pte::leaf(space_->owner_.usyscall, Permissions::read_only().user());
    if (va.value() == abi::trapframe) wanted = Pte::leaf(space_->owner_.trapframe, Permissions::read_write());
    if (va.value() == abi::trampoline) {
      wanted = Pte::leaf(kernel_space().trampoline().floor(), Permissions::read_execute());
    }
    if (pte.without_accessed().without_dirty() != wanted.without_accessed().without_dirty()) {
      violation("pid {}: fixed page {:x} is {:x}", pid_, va.value(), pte.raw());
    }
    if (va.value() != abi::trampoline) expect(pte.ppn());
  }

  /// Above the user half: in `unified` the kernel's entries as every table has them, in the other views nothing.
  void check_upper_half(const AddressSpace& space) {
    for (unsigned i = user_entries; i < sv39::entries_per_table; ++i) {
      const Pte pte = node_at(space.root_).load(i);
      const Pte wanted = View::kind == abi::ViewKind::unified ? kernel_space().root_entry(i) : Pte();
      if (pte != wanted) violation("pid {}: root entry {} is {:x}, not {:x}", pid_, i, pte.raw(), wanted.raw());
    }
  }

  // The mirrored view.

  void expect_twin(Ppn ppn, Level level, u64 begin) {
    const Ppn twin = frames().ppn_of(frames().record(ppn).table().twin);
    // The root's twin is the process's kernel table, checked as such.
    if (!expect_table(twin, begin) || level != Level::mega) return;
    const Ppn kernel_low = kernel_space().root_entry(0).ppn();
    for (unsigned i = frames().record(ppn).table().mirrored_entries; i < sv39::entries_per_table; ++i) {
      if (node_at(twin).load(i) != node_at(kernel_low).load(i)) {
        violation("pid {}: kernel table lacks the kernel's entry {} of the first gigabyte", pid_, i);
      }
    }
  }

  void check_mirror_entry(const sv39::TreeEntry& at) {
    const Frame::Table table = frames().record(at.table).table();
    if (table.twin == no_frame) {
      if (at.level == Level::base && View::twin_limit(at.level, at.begin) != 0)
        violation("pid {}: no mirror at {:x}", pid_, at.begin.value());
      return;
    }
    if (at.index >= table.mirrored_entries) return;
    Pte wanted;
    if (at.pte.is_table()) {
      // No table there: reported as such.
      const Ppn below = at.pte.ppn();
      if (!frames().contains(below) || frames().state(below) != FrameState::table) return;
      wanted = Pte::table(frames().ppn_of(frames().record(below).table().twin));
    } else if (at.pte.is_leaf()) {
      wanted = at.pte.as_mirror();
    } else if (at.level == Level::giga) {
      wanted = kernel_space().root_entry(at.index);
    }
    const Pte found = node_at(frames().ppn_of(table.twin)).load(at.index);
    if (found.with_accessed().with_dirty() != wanted.with_accessed().with_dirty()) {
      violation("pid {}: mirror at {:x} is {:x}, not {:x}", pid_, at.begin.value(), found.raw(), wanted.raw());
    }
  }

  void check_mirror_root(const AddressSpace& space) {
    const Ppn root = space.kernel_root();
    const unsigned own = VirtAddr(abi::trampoline).index(Level::giga);
    for (unsigned i = 1; i < sv39::entries_per_table; ++i) {
      if (i != own && node_at(root).load(i) != kernel_space().root_entry(i)) {
        violation("pid {}: kernel table's root entry {} is not the kernel's", pid_, i);
      }
    }
    const Pte middle = node_at(root).load(own);
    if (!middle.is_table() || !expect_table(middle.ppn(), abi::trampoline)) return;
    const Pte low = node_at(middle.ppn()).load(VirtAddr(abi::trampoline).index(Level::mega));
    if (!low.is_table() || !expect_table(low.ppn(), abi::trampoline)) return;
    for (u64 page = 0; page < KernelSpace::stack_pages; ++page) {
      const VirtAddr va = kernel_space().stack(0).begin() + page * sv39::page_size;
      const Pte pte = node_at(low.ppn()).load(va.index(Level::base));
      if (pte.ppn() != kernel_space().stack_frame(space.owner_.stack_slot, page)) {
        violation("pid {}: kernel table shows another's stack", pid_);
      }
    }
  }

  // Frames.

  void check_frames() {
    u64 free = 0;
    u64 releasing = 0;
    u64 total = 0;
    for (u32 number = 0; number < frames().ram_count();) {
      const u64 size = check_frame(number, free, releasing);
      number += static_cast<u32>(size);
      total += size;
    }
    if (total != frames().ram_count()) violation("the blocks add up to {} frames of {}", total, frames().ram_count());
    if (const u64 pending = releases_pending.load(); releasing != pending) {
      violation("file frames are counted for {} mappings that are not there, {} are being released", releasing,
                pending);
    }
    if (free != frames().free_count()) violation("{} frames are free, {} counted", free, frames().free_count());
  }

  /// Checks the block that begins here; returns its size. Adds up what is free, and what file frames count beyond the
  /// mappings that were found.
  u64 check_frame(u32 number, u64& free, u64& releasing) {
    const Frame& frame = frames().record(frames().ppn_of(number));
    const FrameState state = frame.state;
    const u32 refs = frame.refs.load(std::memory_order_acquire);
    const u32 expected = expected_[number];
    if (state == FrameState::user && refs == expected) [[likely]]
      return 1;
    const bool whole = state == FrameState::free || state == FrameState::compound || state == FrameState::kernel;
    const u64 size = whole ? u64{1} << frame.order : 1;
    for (u64 i = 1; i < size; ++i) {
      if (frames().state(frames().ppn_of(number) + i) != FrameState::inside) {
        violation("frame {:x} of a block is {}", frames().ppn_of(number).value() + i,
                  describe(frames().state(frames().ppn_of(number) + i)));
      }
      if (expected_[number + i] != 0)
        violation("frame {:x} inside a block is mapped", frames().ppn_of(number).value() + i);
    }
    const u64 ppn = frames().ppn_of(number).value();
    switch (state) {
      case FrameState::free:
      case FrameState::cached:
      case FrameState::cached_zero:
        free += size;
        if (expected != 0) violation("frame {:x} is {} and mapped {} times", ppn, describe(state), expected);
        break;
      case FrameState::user:
      case FrameState::compound:
      case FrameState::table:
        if (refs != expected) violation("{} frame {:x} has count {}, found {}", describe(state), ppn, refs, expected);
        break;
      case FrameState::file:
        if (refs < expected + 1) violation("file frame {:x} has count {}, found {} mappings", ppn, refs, expected);
        if (refs > expected + 1) releasing += refs - expected - 1;
        break;
      case FrameState::kernel:
        if (refs < 1 || refs < expected) violation("kernel frame {:x} has count {}, found {}", ppn, refs, expected);
        break;
      case FrameState::reserved:
        if (expected != 0) violation("reserved frame {:x} is mapped {} times", ppn, expected);
        break;
      case FrameState::inside:
      case FrameState::count_: violation("frame {:x} belongs to no block", ppn); break;
    }
    return size;
  }

  static constexpr u64 most_reported = 20;
  u16* expected_;
  TextSink report_;
  AddressSpace* space_ = nullptr;
  i32 pid_ = 0;
  u64 violations_ = 0;
  /// A region of the space in which leaves with these rights are sound; null: none is known.
  const Region* sound_region_ = nullptr;
  u64 sound_rights_ = 0;
};

lib::Result<u64> check_invariants(SpaceIterator spaces, TextSink report) {
  const u64 bytes = frames().ram_count() * sizeof(u16);
  u32 order = 0;
  while ((sv39::page_size << order) < bytes) ++order;
  if (order >= order_count) return lib::fail(lib::Error::not_supported);
  const Ppn memory = LIB_TRY(frames().allocate(FrameState::kernel, Zero::yes, Order{order}));
  const u64 violations = Checker(static_cast<u16*>(frame_bytes(memory)), report).run(spaces);
  frames().free(memory, Order{order});
  return violations;
}

}  // namespace mm
