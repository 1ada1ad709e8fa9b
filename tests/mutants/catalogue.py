"""Faults that somebody could make in kernel/mm and sv39, one edit each, after the rows of the reliability catalogue.

An edit replaces a text that occurs exactly once in its file; a text that is no longer there stops the run, so that the
catalogue keeps up with the source. `view` says in which kernel view the fault can show.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str
    new: str
    view: str = "unified"
    equivalent: str = ""  # why no test could tell it from the original; not counted then


FAULT = "kernel/mm/fault.cpp"
FORK = "kernel/mm/fork.cpp"
COPY = "kernel/mm/copy.cpp"
BUILDING = "kernel/mm/building.cpp"
HEAP = "kernel/mm/heap.cpp"
PAGES = "kernel/mm/pages.cpp"
SPACE = "kernel/mm/address_space.cpp"
MAPPINGS = "kernel/mm/mappings.cpp"
REGION = "kernel/mm/region.cpp"
LOOK = "kernel/mm/look.cpp"
TABLES = "kernel/mm/tables.cpp"
FRAMES = "kernel/mm/frames.cpp"
FRAME_COUNTS = "kernel/mm/frames.hpp"
FRAME_TABLE = "kernel/mm/frame_table.cpp"
MEGAPAGES = "kernel/mm/megapage_counts.cpp"
ASID = "kernel/mm/asid.cpp"
UNIFIED = "kernel/mm/view_unified.cpp"
MIRRORED = "kernel/mm/view_mirrored.cpp"
KERNEL = "kernel/mm/kernel_space.cpp"
SOFTWARE = "kernel/mm/software_copy.cpp"
PTE = "sv39/pte.hpp"
CURSOR = "sv39/cursor_impl.hpp"
BATCH = "sv39/tlb_batch.hpp"

MUTANTS = [
    # Frames: counts that move.
    Mutant(
        "free count: what was freed is read first",
        FRAME_COUNTS,
        "  const u64 allocated = sum_of(VmEvent::frame_allocated);\n"
        "  const u64 freed = sum_of(VmEvent::frame_freed);\n",
        "  const u64 freed = sum_of(VmEvent::frame_freed);\n"
        "  const u64 allocated = sum_of(VmEvent::frame_allocated);\n",
    ),
    Mutant(
        "free count: more freed than allocated is nothing free",
        FRAME_COUNTS,
        "return freed < allocated ? managed - (allocated - freed) : managed;",
        "return freed < allocated ? managed - (allocated - freed) : 0;",
    ),
    Mutant(
        "frames on their way between lists are not waited for",
        FRAMES,
        "if (number != no_frame || watch.saw_none()) return number;",
        "return number;",
    ),
    # Faults.
    Mutant(
        "one changed entry: no fence",
        "kernel/mm/address_space.hpp",
        "    View::fence_page(view_, page);\n",
        "",
    ),
    Mutant(
        "demand zero: memory that is not zero",
        FAULT,
        "  auto frame = frames().allocate(FrameState::user, Zero::yes);\n"
        "  if (!frame) return lib::fail(lib::Error::no_memory);\n  space.put(slot",
        "  auto frame = frames().allocate(FrameState::user, Zero::no);\n"
        "  if (!frame) return lib::fail(lib::Error::no_memory);\n  space.put(slot",
    ),
    Mutant(
        "demand zero: the region does not know that it is populated",
        FAULT,
        "  region.note_populated(page, page + sv39::page_size);\n  if (slot.index",
        "  if (slot.index",
    ),
    Mutant("a few pages ahead: beyond the region", FAULT, "    if (page >= region.end) return;\n", ""),
    Mutant(
        "a put page is not fenced",
        "kernel/mm/tables.hpp",
        "    cursor.put(va, leaf);\n    batch.changed(va);\n",
        "    cursor.put(va, leaf);\n",
    ),
    Mutant(
        "put pages are not fenced",
        "kernel/mm/tables.hpp",
        "    batch.changed(range.begin(), range.page_count());\n",
        "",
    ),
    Mutant(
        "a replaced entry is not fenced",
        "kernel/mm/tables.hpp",
        "    cursor.replace(slot, pte);\n    batch.changed(va);\n",
        "    cursor.replace(slot, pte);\n",
    ),
    Mutant(
        "a fault ignores the region's rights",
        FAULT,
        "if (region == nullptr || !region->allows(access)) return lib::fail(lib::Error::bad_address);",
        "if (region == nullptr) return lib::fail(lib::Error::bad_address);",
    ),
    Mutant("Svade: A is not set", FAULT, "Pte wanted = slot.pte.with_accessed();", "Pte wanted = slot.pte;"),
    Mutant("reuse with one other sharer", FAULT, "if (frames().refs(old) == 1) {", "if (frames().refs(old) <= 2) {"),
    Mutant(
        "a megapage is always one's own",
        FAULT,
        "if (frames().is_sole_megapage_owner(slot.pte.ppn())) {",
        "if (true) {",
    ),
    Mutant(
        "copy on write: the old frame keeps its reference",
        FAULT,
        "  frames().unref(old);\n  return {};",
        "  return {};",
    ),
    Mutant(
        "copy on write: nothing is copied",
        FAULT,
        "lib::copy_page(frame_bytes(*frame), frame_bytes(slot.pte.ppn()));",
        "",
    ),
    Mutant(
        "copy of code: no fence.i",
        FAULT,
        "  if (region.permissions.allows(Access::execute)) space.code_changed();\n  count(VmEvent::fault_cow_copy);",
        "  count(VmEvent::fault_cow_copy);",
    ),
    Mutant(
        "code from a file: no fence.i",
        FAULT,
        "  if (region.permissions.allows(Access::execute)) space.code_changed();\n  count(VmEvent::fault_file_page);",
        "  count(VmEvent::fault_file_page);",
    ),
    Mutant(
        "a shared file's store: not marked dirty",
        FAULT,
        "    region.backing->mark_dirty(region.file_page(page));\n    space.put(",
        "    space.put(",
    ),
    Mutant(
        "a private file page: the file's is not released",
        FAULT,
        "    release_unmapped(*region.backing, region.file_page(page));\n",
        "",
    ),
    Mutant(
        "no table for a file page: the page is not released",
        FAULT,
        "    release_unmapped(*region.backing, index);\n",
        "",
    ),
    Mutant(
        "a copy sleeps for a file page",
        FAULT,
        "    if (sleep == Sleep::forbidden) return lib::fail(lib::Error::needs_page_in);\n    frame =",
        "    frame =",
    ),
    Mutant(
        "a private file page is mapped writable",
        FAULT,
        "leaf = Pte::leaf(frame, rights).as_copy_on_write();",
        "leaf = Pte::leaf(frame, rights);",
    ),
    Mutant(
        "promotion across regions",
        PAGES,
        "  if (begin < region.begin) return;\n",
        "",
    ),
    # fork.
    Mutant("fork: no fence after weakening", FORK, "if (weakened_) View::fence_space(parent_.view_);", ""),
    Mutant("fork: no reference", FORK, "      records[pte.ppn()].refs.fetch_add(1, std::memory_order_relaxed);\n", ""),
    Mutant(
        "fork: the parent stays writable",
        FORK,
        "        memory.write(*first.node, i, shared);\n        weakened = true;",
        "        weakened = true;",
    ),
    Mutant("fork: no reference on a megapage", FORK, "frames().ref_megapage(slot.pte.ppn());", ""),
    Mutant("fork: the file is not held", FORK, "if (region.backing != nullptr) region.backing->hold();", ""),
    Mutant(
        "fork: shared memory becomes copy-on-write",
        FORK,
        "region.sharing == Sharing::shared ? pte : pte.as_copy_on_write()",
        "pte.as_copy_on_write()",
    ),
    Mutant("fork: a private copy of a file page has no reference", FORK, "frames().ref(pte.ppn());", ";"),
    # Copies.
    Mutant(
        "copies go on behind user memory",
        COPY,
        "? space.limit() - va.value() : 0;",
        "? bytes : 0;",
        equivalent="the page above user memory is never mapped, so a copy that comes from below ends there anyhow",
    ),
    Mutant(
        "copies may begin at USYSCALL",
        COPY,
        "? space.limit() - va.value() : 0;",
        "? space.limit() - va.value() : bytes;",
    ),
    Mutant(
        "software copy: U is not looked at",
        SOFTWARE,
        "!mapping.pte.is_user() || ",
        "",
        equivalent="the only leaves without U where copies may go are guards, which permit neither loads nor stores",
    ),
    Mutant("software copy: rights are not looked at", SOFTWARE, " || !mapping.pte.allows(access)", "", view="shared"),
    Mutant(
        "software copy: from the start of the leaf",
        SOFTWARE,
        "return {base + offset, left",
        "return {base, left",
        view="shared",
    ),
    # mmap.
    Mutant(
        "munmap: a hole although the list is full",
        MAPPINGS,
        "if (region.begin < begin && region.end > end && !regions_.has_room(1))",
        "if (false)",
    ),
    Mutant(
        "munmap of the program", MAPPINGS, "if (!region.is_mmap()) return lib::fail(lib::Error::invalid_argument);", ""
    ),
    Mutant("a mapping over its neighbour", MAPPINGS, "top = region.begin.value();", "top = region.end.value();"),
    Mutant("a mapping right above the break", MAPPINGS, "+ sv39::page_size;\n  if (top", ";\n  if (top"),
    Mutant("a cut keeps the file's page", REGION, "upper.first_page += at.floor() - lower.begin.floor();", ""),
    Mutant("a cut keeps the populated hull", REGION, "if (upper.populated_begin < at) upper.populated_begin = at;", ""),
    Mutant("the last region found is believed", REGION, "&& begin()[last_found_].contains(va)) return", ") return"),
    Mutant("munmap: the file is not dropped", PAGES, "    if (backing != nullptr) backing->drop();", ""),
    Mutant("exit: the file is not dropped", SPACE, "    if (region.backing != nullptr) region.backing->drop();", ""),
    Mutant(
        "munmap of one page: freed before the fence",
        PAGES,
        "  space.put(slot, page, Pte());\n  frames().unref(slot.pte.ppn());",
        "  frames().unref(slot.pte.ppn());\n  space.put(slot, page, Pte());",
    ),
    # Programs.
    Mutant(
        "the guard page is the program's",
        BUILDING,
        "Permissions::execute_only()));",
        "Permissions::read_write().user()));",
    ),
    Mutant(
        "sbrk: the break stays",
        HEAP,
        "  space.break_ = old + bytes;\n",
        "",
    ),
    Mutant("segments may overlap", BUILDING, "if (regions_.any_in(first, end)) {", "if (false) {"),
    Mutant(
        "sbrk grows into a mapping",
        HEAP,
        "if (bytes > limit - old) return lib::fail(lib::Error::no_memory);",
        "",
    ),
    Mutant("sbrk: the last frames are not kept", HEAP, "    edit.tables.release();\n", ""),
    # The end of a space.
    Mutant("exit: all tables in one go", SPACE, "    if (is_much) sched::give_way();\n", ""),
    Mutant(
        "exit: the mappings' tables stay",
        SPACE,
        "if (at >= low_tables_end_) at = std::max(at, high_tables_begin_.align_down(Level::giga));",
        "if (at >= low_tables_end_) break;",
    ),
    # Looking, code.
    Mutant("pgaccess: the A bit stays", LOOK, "slot.pte.without_accessed()", "slot.pte"),
    Mutant("changed code: no other hart is told", SPACE, "stale_code_ = ~bit;", "stale_code_ = 0;"),
    # Tables and superpages.
    Mutant("a split leaves the compound whole", TABLES, "frames().convert_compound(first);", ""),
    Mutant("a deposit is lost", TABLES, "  first = frames().number_of(table);\n", ""),
    Mutant(
        "tables are taken without having been reserved",
        TABLES,
        "if (missing() == 0) return {};",
        "if (missing() <= 1) return {};",
    ),
    # Frames.
    Mutant("robbing forgets one", FRAMES, "for (u32 j = 1; j < count; ++j) {", "for (u32 j = 2; j < count; ++j) {"),
    Mutant(
        "a buddy of another order merges",
        FRAME_TABLE,
        "if (table_[buddy].state != FrameState::free || table_[buddy].order != order) break;",
        "if (table_[buddy].state != FrameState::free) break;",
    ),
    Mutant(
        "zeroing is forgotten",
        FRAMES,
        "if (zero == Zero::yes && found != FrameState::cached_zero) {",
        "if (zero == Zero::yes && found == FrameState::cached_zero) {",
    ),
    Mutant(
        "a conversion counts one less",
        MEGAPAGES,
        "const u32 mappings = refs(ppn);",
        "const u32 mappings = refs(ppn) - 1;",
    ),
    Mutant(
        "a sole owner by the first frame only",
        MEGAPAGES,
        "    if (refs(ppn + i) != 1) return false;\n",
        "    if (i == 0 && refs(ppn + i) != 1) return false;\n",
    ),
    # TLB and ASIDs.
    Mutant("other harts are not marked stale", UNIFIED, "state.stale |= state.ran_on & ~own_bit;", ""),
    Mutant("a stale hart does not fence", UNIFIED, "if (state.stale & bit) [[unlikely]] {", "if (false) {"),
    Mutant("a new generation is not fenced", ASID, "  arch::fence_all();\n", ""),
    Mutant(
        "a new number keeps its old harts",
        UNIFIED,
        "    state.ran_on = 0;\n    state.stale = 0;\n",
        "",
        equivalent="the old marks only add fences: ran_on and stale name harts that need none",
    ),
    Mutant(
        "a switch fences before it writes satp",
        UNIFIED,
        "  arch::write_satp(arch::Satp{satp_of(root, state.tag.asid())});\n  count(VmEvent::satp_written);\n",
        "  asids.fence_if_owed(state.tag);\n"
        "  arch::write_satp(arch::Satp{satp_of(root, state.tag.asid())});\n  if (asids.has_numbers())\n",
    ),
    Mutant(
        "a switch to the kernel does not fence where there are no numbers",
        UNIFIED,
        "  if (!asids.has_numbers()) {",
        "  if (false) {",
    ),
    Mutant(
        "without numbers a hart fences once and for all",
        ASID,
        "  if (has_numbers()) harts_",
        "  harts_",
    ),
    Mutant(
        "a batch frees before it fences",
        BATCH,
        "    if (frames_ == frame_capacity) flush();\n"
        "    frame_[frames_++] = ppn.value() << level_bits | static_cast<u64>(level);",
        "    sink_.release(ppn, level);",
    ),
    Mutant(
        "a batch forgets pages",
        BATCH,
        "    ++pages_;\n  }",
        "    pages_ = page_threshold < pages_ + 1 ? pages_ : pages_ + 1;\n  }",
    ),
    Mutant(
        "a split fences one page",
        CURSOR,
        "  enter(Level::base, table_ppn, begin);\n  batch.changed_structure();",
        "  enter(Level::base, table_ppn, begin);\n  batch.changed(begin);",
    ),
    Mutant(
        "unmap: no fence",
        CURSOR,
        "      replace(slot, Pte());\n      batch.changed(begin);",
        "      replace(slot, Pte());",
    ),
    Mutant(
        "protect: no fence",
        CURSOR,
        "    replace(slot, changed);\n    batch.changed(begin);",
        "    replace(slot, changed);",
    ),
    Mutant(
        "promotion leaves the old path",
        CURSOR,
        "  replace(slot, first);\n  tag_[0] = no_tag;",
        "  replace(slot, first);",
    ),
    Mutant(
        "a superpage may be misaligned",
        CURSOR,
        " || !first.ppn().is_aligned(Level::mega)) return false;",
        ") return false;",
    ),
    Mutant(
        "promotion does not look at the first entries",
        CURSOR,
        "for (unsigned i = entries_per_table - 1; i > 0; --i) {",
        "for (unsigned i = entries_per_table - 1; i > 1; --i) {",
    ),
    Mutant(
        "split: the upper edge is forgotten",
        CURSOR,
        "  if (!range.end().is_aligned(Level::mega)) split(range.last(), frames, batch);\n",
        "",
    ),
    Mutant(
        "copy-on-write keeps W",
        PTE,
        "return Pte((bits_ & ~(pte_bit::write | pte_bit::dirty)) | pte_bit::copy_on_write);",
        "return Pte(bits_ | pte_bit::copy_on_write);",
    ),
    Mutant(
        "a writable leaf without D",
        PTE,
        "u64 dirty = permissions.allows(Access::write) ? pte_bit::dirty : 0;",
        "u64 dirty = 0;",
    ),
    # The mirror.
    Mutant("mirror: not updated", MIRRORED, "  twin.store(index, mirror);\n", "", view="mirrored"),
    Mutant("mirror: U and X stay", MIRRORED, "mirror = pte.as_mirror();", "mirror = pte;", view="mirrored"),
    Mutant(
        "mirror: no fence when the first table comes",
        MIRRORED,
        "    arch::fence_asid(sv39::Asid{0});\n    count",
        "    count",
        view="mirrored",
    ),
    Mutant(
        "mirror: the devices are lost",
        MIRRORED,
        "    mirror = kernel_space().root_entry(0);\n",
        "",
        view="mirrored",
        equivalent="the first gigabyte loses its table only when the space ends, and nothing runs on that table then",
    ),
    Mutant(
        "mirror: a page too many",
        MIRRORED,
        "const usize room = MirroredView::mirror_end - va.value();",
        "const usize room = MirroredView::mirror_end + 4096 - va.value();",
        view="mirrored",
    ),
    Mutant(
        "mirror: another process's stack",
        MIRRORED,
        "stack_frame(owner.stack_slot, page)",
        "stack_frame(0, page)",
        view="mirrored",
    ),
    # The kernel's own table.
    Mutant(
        "kernel: text is writable",
        KERNEL,
        "image_.rodata_begin, Permissions::read_execute()",
        "image_.rodata_begin, Permissions::read_write_execute()",
    ),
    Mutant("kernel: stacks without a hole", KERNEL, "stack_bytes + sv39::page_size;  //", "stack_bytes;  //"),
]
