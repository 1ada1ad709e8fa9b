# SPDX-License-Identifier: MIT
"""The faults of Bifolium's own kernels: which instructions of a built one are replaced, and what Vellum has to say.

An instruction is chosen by what it is and by where it stands: each of `where` must be part of its chain of functions
and lines, inlined ones first, as llvm-symbolizer tells it ("function@file:line"). Nothing is built anew, so an edit
takes no time; the instructions are those of any view that has them.
"""

from dataclasses import dataclass

NOP, RETURN = 0x00000013, 0x00008067
VIEWS = ("unified", "shared", "mirrored")
STALE, SATP, CODE = ("stale-translation",), ("stale-after-satp",), ("stale-code",)
USE, JUNK, TABLE = ("use-after-free",), ("unwritten-memory",), ("uncleared-table",)
LEAK = ("leak",)
LAST_UNREF = "mm::FrameAllocator::last_unref(sv39::Ppn, mm::Frame&, unsigned int)"
FREE_ZEROED = "mm::FrameAllocator::free_zeroed(sv39::Ppn)"


def is_sfence(word):
    return word & 0xFE007FFF == 0x12000073


def is_fence_i(word):
    return word == 0x0000100F


def is_amoadd(word):
    return word & 0xF800007F == 0x0000002F


def is_clearing(word):  # sw or sd of x0
    return word & 0x1F0707F in (0x2023, 0x3023)


@dataclass(frozen=True)
class Edit:
    name: str
    views: tuple
    kind: object  # whether an instruction is meant; None: the first of each function that `where` names
    where: tuple
    rules: tuple  # one of them must be reported
    place: str  # ... with a place that has this in it: "file:line" where one is known, a file or function
    commands: tuple = ("forktest", "ls", "wc README", "grep xv6 README")
    harts: int = 2


UNIFIED, SHARED, MIRRORED = VIEWS
# In `shared` and `mirrored` each way out of a trap fences all, so what is not fenced before does not matter there.
ALL = (
    Edit("no fence.i after exec", VIEWS, is_fence_i, ("code_changed", "exec.cpp"), CODE, "kernel/process/exec.cpp"),
    Edit(
        "no fence.i on other harts",
        VIEWS,
        is_fence_i,
        ("switch_in",),
        CODE,
        "kernel/process/exec.cpp",
        ("forktest", "vmtest forks_of_forks"),
        3,
    ),
    Edit("fork leaves its right to write", (UNIFIED,), is_sfence, ("ForkOperation",), STALE, "kernel/mm/fork.cpp"),
    Edit(
        "no fence after many pages are unmapped",
        (UNIFIED,),
        is_sfence,
        ("TlbBatch",),
        STALE,
        "kernel/mm/pages.cpp",
        ("vmtest memory_given_back_is_gone", "vmtest head_tail_and_middle"),
    ),
    Edit("no fence after a copy", (UNIFIED,), is_sfence, ("copy_page_for",), STALE, "kernel/mm/fault.cpp"),
    Edit(
        "an owed fence is forgotten",
        (UNIFIED,),
        is_sfence,
        ("UnifiedView::switch_in",),
        STALE + SATP,
        "kernel/mm/",
        ("vmtest forks_of_forks",),
        3,
    ),
    Edit("no fence between stacks", (MIRRORED,), is_sfence, ("arch_switch_context",), SATP, "riscv64/switch.S"),
    Edit("no fence as a trap begins", (SHARED, MIRRORED), is_sfence, ("trampoline_start",), SATP, "riscv64/trap.S"),
    Edit("no fence as a trap ends", (SHARED, MIRRORED), is_sfence, ("trap_exit",), SATP, "riscv64/trap.S"),
    Edit("no fence as a call ends", (SHARED, MIRRORED), is_sfence, ("quick_exit",), SATP, "riscv64/trap.S"),
    Edit("fork counts no reference", VIEWS, is_amoadd, ("ForkOperation::share_pages",), USE, "kernel/mm/pages.cpp"),
    Edit("pages are not cleared", VIEWS, None, ("lib_zero_page",), JUNK + TABLE, "kernel/mm/"),
    Edit("exit leaves its entries", VIEWS, is_clearing, ("store", "Pages::drop"), TABLE, "kernel/mm/"),
    Edit("programs' pages are not freed", VIEWS, None, (LAST_UNREF,), LEAK, "kernel/mm/"),
    Edit("roots are not freed", VIEWS, None, (FREE_ZEROED,), LEAK, "kernel/mm/address_space.cpp"),
    Edit("a lock is not released", VIEWS, is_clearing, ("::unlock", "Table::adopt"), ("hang",), "the lock process"),
)
BY_NAME = {edit.name: edit for edit in ALL}
FEW = ((UNIFIED, "no fence.i after exec"), (SHARED, "fork counts no reference"), (MIRRORED, "no fence as a trap ends"))
